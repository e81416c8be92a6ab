#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "headrace/port/codec.hpp"
#include "headrace/wire/codec_limits.hpp"

namespace headrace::wire {

/// Three formats of the same fields. All are strict, both ways: texts are UTF-8 without NUL, a name stands once in
/// a record, nothing follows the value, and CodecLimits hold. `where` of an error is the path of the field, or the
/// byte.
/// Threads: any.

/// application/json (RFC 8259), without a byte order mark. Bytes are written as Base64 text. NaN and infinities cannot be written. Integers
/// beyond 64 bits are read as numbers.
class JsonCodec final : public Codec {
 public:
  explicit JsonCodec(CodecLimits limits = {}) : limits_(limits) {}
  [[nodiscard]] std::string_view content_type() const noexcept override { return "application/json"; }
  [[nodiscard]] Result<std::vector<std::byte>> encode(const FieldValue& fields) const override;
  [[nodiscard]] Result<FieldValue> decode(std::span<const std::byte> body) const override;

 private:
  CodecLimits limits_;
};

/// application/cbor (RFC 8949). Tags are skipped; `undefined` reads as nothing; names must be text. Written in the
/// shortest forms, floats in 4 bytes where that is exact.
class CborCodec final : public Codec {
 public:
  explicit CborCodec(CodecLimits limits = {}) : limits_(limits) {}
  [[nodiscard]] std::string_view content_type() const noexcept override { return "application/cbor"; }
  [[nodiscard]] Result<std::vector<std::byte>> encode(const FieldValue& fields) const override;
  [[nodiscard]] Result<FieldValue> decode(std::span<const std::byte> body) const override;

 private:
  CodecLimits limits_;
};

/// application/msgpack. Extension types are refused.
class MessagePackCodec final : public Codec {
 public:
  explicit MessagePackCodec(CodecLimits limits = {}) : limits_(limits) {}
  [[nodiscard]] std::string_view content_type() const noexcept override { return "application/msgpack"; }
  [[nodiscard]] Result<std::vector<std::byte>> encode(const FieldValue& fields) const override;
  [[nodiscard]] Result<FieldValue> decode(std::span<const std::byte> body) const override;

 private:
  CodecLimits limits_;
};

/// All three.
[[nodiscard]] Codecs standard_codecs(CodecLimits limits = {});

}  // namespace headrace::wire
