#include "store_output.hpp"

#include <fmt/format.h>

#include <cstring>
#include <stdexcept>
#include <utility>

#include "json_text.hpp"
#if defined(HEADRACE_HAS_SQLITE)
#include "store_end.hpp"
#endif

namespace headrace::program {
namespace {

constexpr const char* kIdentityHeader = "identity";

std::unique_ptr<Sink> store_sink([[maybe_unused]] const std::filesystem::path& path) {
#if defined(HEADRACE_HAS_SQLITE)
  StoreSinkOptions options;
  options.identity = kIdentityHeader;
  return std::make_unique<StoreEnd>(path, std::move(options));
#else
  return nullptr;
#endif
}

}  // namespace

StoreOutput::StoreOutput(std::filesystem::path path, std::unique_ptr<Sink> sink)
    : path_(std::move(path)), sink_(std::move(sink)) {}

Result<std::unique_ptr<StoreOutput>> StoreOutput::open(const std::filesystem::path& path) {
  std::error_code ignored;  // a folder that cannot be made shows in the open
  std::filesystem::create_directories(path.parent_path(), ignored);
  std::unique_ptr<Sink> sink = store_sink(path);
  if (sink == nullptr) return Error{"this build is without event stores", path.string()};
  if (Status started = sink->start(); !started) return started.error();
  return std::unique_ptr<StoreOutput>(new StoreOutput(path, std::move(sink)));
}

void StoreOutput::write(const Record& record, std::string_view topic, std::string_view identity) {
  std::string body;
  append_json(body, record);
  Message message;
  message.topic = topic;
  message.content_type = "application/json";
  message.body.resize(body.size());
  std::memcpy(message.body.data(), body.data(), body.size());
  if (!identity.empty()) message.headers.emplace_back(kIdentityHeader, fmt::format("{}\n{}", topic, identity));
  const auto stored = [this](const Status& answer) {
    if (answer) return;
    const std::scoped_lock lock(mutex_);
    if (lost_++ == 0) first_fault_ = answer.error().message();
  };
  for (;;) {
    switch (sink_->send(std::move(message), stored)) {
      case SendResult::taken:
        return;
      case SendResult::full:  // the message stays as it was
        if (sink_->wait_for_room(std::chrono::minutes(1))) continue;
        throw std::runtime_error(path_.string() + ": the store takes no more");
      case SendResult::too_large:
        throw std::runtime_error(path_.string() + ": the record is too large");
      case SendResult::closed:
        throw std::runtime_error(path_.string() + ": the store is closed");
    }
  }
}

Status StoreOutput::close() {
  const std::size_t left = sink_->stop(std::chrono::minutes(1));
  const std::scoped_lock lock(mutex_);
  if (left > 0) return Error{fmt::format("{} events are not stored: no answer", left), path_.string()};
  if (lost_ > 0) return Error{fmt::format("{} events are not stored: {}", lost_, first_fault_), path_.string()};
  return Nothing{};
}

}  // namespace headrace::program
