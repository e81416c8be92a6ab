#include "source.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "descriptor.hpp"
#include "system_error.hpp"

namespace headrace::program {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{256} << 10U;

Status read_stream(int fd, const std::string& name, Decoder& decoder, const Interrupt& interrupt,
                   SourceSink& sink) {
  std::vector<char> chunk(kChunkBytes);
  sink.on_origin(name);
  while (true) {
    pollfd ready[2] = {{fd, POLLIN, 0}, {interrupt.descriptor(), POLLIN, 0}};
    const bool polled = ::poll(ready, 2, -1) > 0;
    if (interrupt.raised()) return Nothing{};
    if (!polled) continue;
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return Error{system_error("cannot read"), name};
    if (got == 0) break;
    if (decoder.feed({chunk.data(), static_cast<std::size_t>(got)}, sink) == Flow::stop) return Nothing{};
  }
  (void)decoder.finish(sink);
  return Nothing{};
}

}  // namespace

std::unique_ptr<Decoder> make_decoder(const SourceConfig& config, SchemaPool& schemas) {
  if (config.format == SourceConfig::Format::csv) return std::make_unique<CsvDecoder>(config.csv, schemas);
  return std::make_unique<NdjsonDecoder>(config.ndjson, schemas);
}

Status read_source(const SourceConfig& config, SchemaPool& schemas, const Interrupt& interrupt, SourceSink& sink) {
  if (config.kind == SourceConfig::Kind::tcp) return read_tcp(config, schemas, interrupt, sink);
  const auto decoder = make_decoder(config, schemas);
  if (config.kind == SourceConfig::Kind::standard_input) {
    return read_stream(STDIN_FILENO, "stdin", *decoder, interrupt, sink);
  }
  const std::string name = config.path.string();
  const Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return Error{system_error("cannot open"), name};
  struct stat about = {};
  if (::fstat(file.get(), &about) == 0 && S_ISDIR(about.st_mode)) return Error{"is a folder", name};
  return read_stream(file.get(), name, *decoder, interrupt, sink);
}

}  // namespace headrace::program
