#include "body_fields.hpp"

#include <utility>

namespace headrace::program {

Result<Record> BodyFields::read(std::span<const std::byte> body) {
  const std::string_view text(reinterpret_cast<const char*>(body.data()), body.size());
  const auto fault = [](std::string what) { return Error{std::move(what), "body"}; };
  if (text.size() > NdjsonOptions{}.record_bytes_max) return fault("longer than a megabyte");
  if (std::string problem = reader_.read(text); !problem.empty()) return fault(std::move(problem));
  if (!schema_ || schema_->names() != reader_.names()) {
    if (std::string problem = reader_.duplicate(); !problem.empty()) return fault(std::move(problem));
    schema_.emplace(reader_.names(), mentioned_);
  }
  return reader_.record(*schema_, 0);
}

}  // namespace headrace::program
