#include "headrace/delivery/memory_blob_store.hpp"

#include "blob_name.hpp"

namespace headrace {

Result<std::string> MemoryBlobStore::put(const EventId& id, std::span<const std::byte> payload) {
  const std::lock_guard lock(mutex_);
  std::string reference = "memory:" + (id ? blob_name(id, payload) : std::to_string(last_ + 1));
  if (blobs_.contains(reference)) return reference;
  if (payload.size() > options_.bytes_max - bytes_) {
    return Error{"no room for " + std::to_string(payload.size()) + " bytes: " + std::to_string(bytes_) + " of " +
                     std::to_string(options_.bytes_max) + " are used",
                 "MemoryBlobStore", Error::Retry::maybe};
  }
  if (!id) ++last_;
  blobs_.emplace(reference, std::vector<std::byte>(payload.begin(), payload.end()));
  bytes_ += payload.size();
  return reference;
}

Result<std::vector<std::byte>> MemoryBlobStore::get(std::string_view reference, std::size_t bytes_max) {
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(reference);
  if (found == blobs_.end()) return Error{"no blob '" + std::string(reference) + "'", "MemoryBlobStore"};
  if (found->second.size() > bytes_max) {
    return Error{"blob '" + std::string(reference) + "' has " + std::to_string(found->second.size()) +
                     " bytes, at most " + std::to_string(bytes_max) + " are wanted",
                 "MemoryBlobStore"};
  }
  return found->second;
}

Status MemoryBlobStore::remove(std::string_view reference) {
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(reference);
  if (found == blobs_.end()) return Nothing{};
  bytes_ -= found->second.size();
  blobs_.erase(found);
  return Nothing{};
}

std::size_t MemoryBlobStore::stored_bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace headrace
