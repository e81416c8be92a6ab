#include "headrace/delivery/file_blob_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "blob_name.hpp"
#include "headrace/event/event_id.hpp"

namespace headrace {
namespace {

constexpr std::string_view kScheme = "file:";
constexpr std::string_view kPart = ".part";
constexpr std::chrono::hours kPartLives{1};

Error file_error(const std::string& what, const std::string& where, int code = errno) {
  return Error{what + ": " + std::generic_category().message(code), where, Error::Retry::maybe};
}

/// Nothing: the reference is of another store. What it names stands in the folder, whatever it says.
std::optional<std::string> name_of(std::string_view reference) {
  if (!reference.starts_with(kScheme)) return std::nullopt;
  return parse_blob_name(reference.substr(kScheme.size()));
}

class File {
 public:
  explicit File(int descriptor) noexcept : descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

  [[nodiscard]] bool write(std::span<const std::byte> bytes) noexcept {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
  }
  /// Fewer bytes than asked for: the file ended.
  [[nodiscard]] std::optional<std::size_t> read(std::span<std::byte> bytes) noexcept {
    std::size_t have = 0;
    while (have < bytes.size()) {
      const ssize_t got = ::read(descriptor_, bytes.data() + have, bytes.size() - have);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return std::nullopt;
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    return have;
  }
  /// Closes; some file systems only now say that the disk is full.
  [[nodiscard]] bool sync_and_close() noexcept {
    const bool synced = ::fsync(descriptor_) == 0;
    return ::close(std::exchange(descriptor_, -1)) == 0 && synced;
  }

 private:
  int descriptor_;
};

/// So that a folder that was made is still there after a power cut. One that may not be opened is not ours to make.
void sync_folder(const std::string& path) {
  const File folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.is_open()) static_cast<void>(::fsync(folder.descriptor()));
}

/// What a crash left behind; whatever stands in its way is left to the next.
void remove_old_parts(const std::string& folder) {
  std::error_code ignored;
  const auto now = std::filesystem::file_time_type::clock::now();
  std::error_code fault;
  for (std::filesystem::directory_iterator at(folder, fault); !fault && at != std::filesystem::end(at);
       at.increment(fault)) {
    // Only what put() names so: the folder may be used for other things as well.
    if (at->path().extension() != kPart || !EventId::parse(at->path().stem().string())) continue;
    const auto written = at->last_write_time(ignored);
    if (!ignored && now - written > kPartLives) std::filesystem::remove(at->path(), ignored);
  }
}

}  // namespace

Result<std::unique_ptr<FileBlobStore>> FileBlobStore::open(const std::string& folder) {
  std::error_code fault;
  std::filesystem::create_directories(folder, fault);
  if (fault) return file_error("the folder for blobs cannot be made", folder, fault.value());
  if (const auto parent = std::filesystem::weakly_canonical(folder, fault).parent_path(); !fault) {
    sync_folder(parent.string());
  }
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return file_error("the folder for blobs cannot be opened", folder);
  remove_old_parts(folder);
  return std::unique_ptr<FileBlobStore>(new FileBlobStore(folder, descriptor));
}

FileBlobStore::~FileBlobStore() { ::close(descriptor_); }

Result<std::string> FileBlobStore::put(const EventId& id, std::span<const std::byte> payload) {
  const std::string own = EventId::make().to_string();
  const std::string name = id ? blob_name(id, payload) : own;
  // A file has its name when it is whole, so that one of this name and size is the one. A crash may have come before
  // the name was durable.
  struct stat there {};
  const bool is_there = id && ::fstatat(descriptor_, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                        S_ISREG(there.st_mode) && static_cast<std::size_t>(there.st_size) == payload.size();
  if (!is_there) {
    if (const Status written = write(own + std::string(kPart), name, payload); !written) return written.error();
  }
  if (::fsync(descriptor_) != 0) return file_error("a blob's name cannot be made durable", folder_);
  return std::string(kScheme) + name;
}

/// By a name of its own first: several may put the same blob at once.
Status FileBlobStore::write(const std::string& part, const std::string& name, std::span<const std::byte> payload) {
  File file(::openat(descriptor_, part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
  if (!file.is_open()) return file_error("a blob cannot be made", folder_);
  const bool kept = file.write(payload) && file.sync_and_close() &&
                    ::renameat(descriptor_, part.c_str(), descriptor_, name.c_str()) == 0;
  if (kept) return Nothing{};
  const int code = errno;
  ::unlinkat(descriptor_, part.c_str(), 0);
  return file_error("a blob of " + std::to_string(payload.size()) + " bytes cannot be written", folder_, code);
}

Result<std::vector<std::byte>> FileBlobStore::get(std::string_view reference, std::size_t bytes_max) {
  const std::string quoted = "blob '" + std::string(reference.substr(0, 64)) + "'";
  const auto name = name_of(reference);
  if (!name) return Error{quoted + " is none of a folder", folder_};
  File file(::openat(descriptor_, name->c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open() && errno == ENOENT) return Error{"no " + quoted, folder_};
  struct stat about {};
  if (!file.is_open() || ::fstat(file.descriptor(), &about) != 0) return file_error(quoted, folder_);
  const auto size = static_cast<std::size_t>(about.st_size);
  if (size > bytes_max) {
    return Error{
        quoted + " has " + std::to_string(size) + " bytes, at most " + std::to_string(bytes_max) + " are wanted",
        folder_};
  }
  std::vector<std::byte> payload(size);
  const auto have = file.read(payload);
  if (!have) return file_error(quoted, folder_);
  payload.resize(*have);
  return payload;
}

Status FileBlobStore::remove(std::string_view reference) {
  const auto name = name_of(reference);
  if (!name) return Nothing{};
  if (::unlinkat(descriptor_, name->c_str(), 0) != 0 && errno != ENOENT) {
    return file_error("a blob cannot be removed", folder_);
  }
  return Nothing{};
}

}  // namespace headrace
