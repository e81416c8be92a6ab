#include "cbor_reader.hpp"

#include <bit>
#include <cmath>
#include <limits>

namespace headrace::wire {
namespace {

/// A number of 16 bits: 1 of sign, 5 of exponent, 10 of fraction.
double half(std::uint64_t bits) {
  const auto exponent = static_cast<int>(bits >> 10 & 31);
  const auto fraction = static_cast<double>(bits & 1023);
  double value = 0;
  if (exponent == 0) {
    value = std::ldexp(fraction, -24);
  } else if (exponent == 31) {
    value = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else {
    value = std::ldexp(fraction + 1024, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -value : value;
}

}  // namespace

bool CborReader::fail(std::string what) { return builder_.fail(std::move(what), "byte " + std::to_string(at_)); }

std::optional<std::uint64_t> CborReader::number(std::size_t bytes) {
  if (body_.size() - at_ < bytes) {
    (void)fail("ends in the middle of a value");
    return std::nullopt;
  }
  std::uint64_t value = 0;
  for (; bytes > 0; --bytes) value = value << 8 | std::to_integer<std::uint64_t>(body_[at_++]);
  return value;
}

std::optional<CborReader::Head> CborReader::head() {
  const auto first = number(1);
  if (!first) return std::nullopt;
  Head head{static_cast<unsigned>(*first >> 5), static_cast<unsigned>(*first & 31), *first & 31};
  if (head.info < 24) return head;
  if (head.info < 28) {
    const auto argument = number(std::size_t{1} << (head.info - 24));
    if (!argument) return std::nullopt;
    head.argument = *argument;
    return head;
  }
  const bool may_be_indefinite = (head.major >= 2 && head.major <= 5) || head.major == 7;
  if (head.info == 31 && may_be_indefinite) return head;
  (void)fail("is no CBOR");
  return std::nullopt;
}

bool CborReader::read_all() {
  const auto first = head();
  if (!first || !value(*first)) return false;
  return at_ == body_.size() || fail("something follows the value");
}

bool CborReader::value(const Head& given) {
  Head head = given;
  while (head.major == 6) {  // a tag says how to understand the value; what the type wants decides that here
    const auto next = this->head();
    if (!next) return false;
    head = *next;
  }
  switch (head.major) {
    case 0:
      return builder_.number_unsigned(head.argument);
    case 1:
      if (head.argument > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return fail("is an integer of more than 64 bits");
      }
      return builder_.number_integer(-1 - static_cast<std::int64_t>(head.argument));
    case 2: {
      std::string bytes;
      if (!run(head, bytes)) return false;
      const auto view = std::as_bytes(std::span(bytes));
      return builder_.bytes(FieldValue::Bytes(view.begin(), view.end()));
    }
    case 3: {
      std::string text;
      return run(head, text) && builder_.string(text);
    }
    case 4:
      return list(head);
    case 5:
      return record(head);
    default:
      return simple(head);
  }
}

bool CborReader::run(const Head& head, std::string& out) {
  if (!head.is_indefinite()) {
    if (head.argument > body_.size() - at_) return fail("ends in the middle of a value");
    out.append(reinterpret_cast<const char*>(body_.data()) + at_, head.argument);
    at_ += head.argument;
    return true;
  }
  while (true) {
    const auto chunk = this->head();
    if (!chunk) return false;
    if (chunk->is_break()) return true;
    if (chunk->major != head.major || chunk->is_indefinite()) return fail("a chunk of another kind");
    if (!run(*chunk, out)) return false;
  }
}

bool CborReader::list(const Head& head) {
  if (!builder_.start_array(0)) return false;
  for (std::uint64_t i = 0; head.is_indefinite() || i < head.argument; ++i) {
    const auto item = this->head();
    if (!item) return false;
    if (head.is_indefinite() && item->is_break()) break;
    if (!value(*item)) return false;
  }
  return builder_.end_array();
}

bool CborReader::name(const Head& head) {
  std::string text;
  if (head.major != 3) return fail("a name that is no text");
  return run(head, text) && builder_.key(text);
}

bool CborReader::record(const Head& head) {
  if (!builder_.start_object(0)) return false;
  for (std::uint64_t i = 0; head.is_indefinite() || i < head.argument; ++i) {
    const auto key = this->head();
    if (!key) return false;
    if (head.is_indefinite() && key->is_break()) break;
    if (!name(*key)) return false;
    const auto item = this->head();
    if (!item || !value(*item)) return false;
  }
  return builder_.end_object();
}

bool CborReader::simple(const Head& head) {
  switch (head.info) {
    case 20:
    case 21:
      return builder_.boolean(head.info == 21);
    case 22:
    case 23:  // null and undefined
      return builder_.null();
    case 25:
      return builder_.number_float(half(head.argument), {});
    case 26:
      return builder_.number_float(std::bit_cast<float>(static_cast<std::uint32_t>(head.argument)), {});
    case 27:
      return builder_.number_float(std::bit_cast<double>(head.argument), {});
    default:
      return fail(head.is_break() ? "a break outside of what it could end" : "an unknown simple value");
  }
}

}  // namespace headrace::wire
