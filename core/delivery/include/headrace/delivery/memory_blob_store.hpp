#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/port/blob_store.hpp"

namespace headrace {

struct MemoryBlobOptions {
  std::size_t bytes_max = std::size_t{1} << 30;  ///< of all payloads; then put() is an error that a retry may help
};

/// Payloads that live as long as the process: for tests, and where producer and consumer are in one.
/// Threads: any, behind one mutex.
class MemoryBlobStore final : public BlobStore {
 public:
  explicit MemoryBlobStore(MemoryBlobOptions options = {}) : options_(options) {}

  [[nodiscard]] Result<std::string> put(const EventId& id, std::span<const std::byte> payload) override;
  [[nodiscard]] Result<std::vector<std::byte>> get(std::string_view reference, std::size_t bytes_max) override;
  [[nodiscard]] Status remove(std::string_view reference) override;
  /// Of all payloads, now.
  [[nodiscard]] std::size_t stored_bytes() const;

 private:
  const MemoryBlobOptions options_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::byte>, std::less<>> blobs_;
  std::uint64_t last_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace headrace
