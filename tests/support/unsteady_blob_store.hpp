#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/delivery/memory_blob_store.hpp"

namespace headrace::test {

/// Blobs in memory, until the store is away; and how often one was asked for.
struct UnsteadyBlobStore final : BlobStore {
  MemoryBlobStore kept;
  bool is_away = false;
  int asked = 0;

  Result<std::string> put(const EventId& id, std::span<const std::byte> payload) override {
    return kept.put(id, payload);
  }
  Result<std::vector<std::byte>> get(std::string_view reference, std::size_t bytes_max) override {
    ++asked;
    if (is_away) return Error{"away", {}, Error::Retry::maybe};
    return kept.get(reference, bytes_max);
  }
  Status remove(std::string_view reference) override { return kept.remove(reference); }
};

}  // namespace headrace::test
