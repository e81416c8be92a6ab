#include "connection.hpp"

#include <array>
#include <span>
#include <utility>

#include "headrace/base/check.hpp"
#include "tls_files.hpp"

namespace headrace::redis {
namespace {

timeval to_timeval(std::chrono::milliseconds time) {
  return {static_cast<time_t>(time.count() / 1000), static_cast<suseconds_t>(time.count() % 1000 * 1000)};
}

Error late(const std::string& where) { return Error{"no answer in time", where, Error::Retry::maybe}; }

bool is_about_credentials(std::string_view text) {
  return text.starts_with("WRONGPASS") || text.starts_with("NOAUTH") || text.starts_with("NOPERM") ||
         text.starts_with("ERR invalid password") || text.starts_with("ERR AUTH");
}

}  // namespace

Error refused(const redisReply& reply, std::string where) {
  const std::string_view text = text_of(reply);
  return Error{"the server says: " + std::string(text), std::move(where),
               is_about_credentials(text) ? Error::Retry::no : Error::Retry::maybe};
}

Result<Connection> Connection::open(const RedisAddress& address, const RedisOptions& options) {
  Context context(
      redisConnectWithTimeout(address.host.c_str(), address.port, to_timeval(options.connect_timeout)));
  if (context == nullptr) return Error{"no memory for a connection", address.text(), Error::Retry::maybe};
  if (context->err != 0) return Error{context->errstr, address.text(), Error::Retry::maybe};
  redisSetTimeout(context.get(), to_timeval(options.command_timeout));
  redisEnableKeepAlive(context.get());
  Connection connection(std::move(context), address.text());
  if (address.tls) {
    const std::string& name = options.tls.server_name.empty() ? address.host : options.tls.server_name;
    if (Status secured = connection.stream_.secure(name, files_of(options.tls)); !secured) return secured.error();
  }
  if (!address.password.empty()) {
    std::vector<std::string_view> words{"AUTH"};
    if (!address.user.empty()) words.push_back(address.user);
    words.push_back(address.password);
    if (auto reply = connection.ask(words); !reply) return reply.error();
  }
  if (auto reply = connection.ask({"SELECT", std::to_string(address.database)}); !reply) return reply.error();
  return connection;
}

Result<Reply> Connection::ask(const std::vector<std::string_view>& words) {
  auto reply = command(words);
  if (reply && (*reply)->type == REDIS_REPLY_ERROR) return refused(**reply, where_);
  return reply;
}

void Connection::send(const std::vector<std::string_view>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string_view word : words) {
    texts.push_back(word.data() == nullptr ? "" : word.data());
    sizes.push_back(word.size());
  }
  char* command = nullptr;
  const int size = redisFormatCommandArgv(&command, static_cast<int>(words.size()), texts.data(), sizes.data());
  HEADRACE_CHECK("redis.command", size > 0, "no memory is left for a command");
  out_.append(command, static_cast<std::size_t>(size));
  redisFreeCommand(command);
}

Status Connection::send_all() {
  const std::string out = std::exchange(out_, {});
  for (std::span<const char> bytes(out); !bytes.empty();) {
    const auto went = stream_.send(bytes);
    if (!went) return went.error();
    if (*went == 0) return late(where_);
    bytes = bytes.subspan(*went);
  }
  return Nothing{};
}

Result<Reply> Connection::receive() {
  for (;;) {
    void* reply = nullptr;
    if (redisReaderGetReply(context_->reader, &reply) != REDIS_OK) {
      return Error{context_->reader->errstr, where_, Error::Retry::maybe};
    }
    if (reply != nullptr) return Reply(static_cast<redisReply*>(reply));
    if (Status sent = send_all(); !sent) return sent.error();
    std::array<char, 16 * 1024> bytes;
    auto got = stream_.receive(bytes);
    if (!got) return got.error();
    if (*got == 0) return late(where_);
    redisReaderFeed(context_->reader, bytes.data(), *got);  // what it has no memory for, it says with the reply
  }
}

}  // namespace headrace::redis
