#pragma once

#include <memory>
#include <string>

#include "headrace/port/blob_store.hpp"

namespace headrace {

/// Payloads as files of one folder, which several processes may use at once, over a network too: one file each, with
/// nothing but the payload in it, named by the event's id and a hash of the payload, or by an id of its own.
///
/// Durable:  put() answers when the file, whole, and its name are on the disk (fsync). A crash before leaves a
///           `.part` file, which the first to open the folder an hour later removes.
/// Threads:  any, without a lock.
/// Errors:   as BlobStore says. What the file system refuses (full, read-only, gone) says `maybe`.
class FileBlobStore final : public BlobStore {
 public:
  /// Makes the folder if it is not there. An error: it cannot be made, or is none.
  [[nodiscard]] static Result<std::unique_ptr<FileBlobStore>> open(const std::string& folder);
  ~FileBlobStore() override;
  FileBlobStore(const FileBlobStore&) = delete;
  FileBlobStore& operator=(const FileBlobStore&) = delete;

  [[nodiscard]] Result<std::string> put(const EventId& id, std::span<const std::byte> payload) override;
  [[nodiscard]] Result<std::vector<std::byte>> get(std::string_view reference, std::size_t bytes_max) override;
  [[nodiscard]] Status remove(std::string_view reference) override;

 private:
  FileBlobStore(std::string folder, int descriptor) : folder_(std::move(folder)), descriptor_(descriptor) {}
  [[nodiscard]] Status write(const std::string& part, const std::string& name, std::span<const std::byte> payload);

  const std::string folder_;  ///< for errors
  const int descriptor_;      ///< of the folder: it may be moved, and its old name made anew
};

}  // namespace headrace
