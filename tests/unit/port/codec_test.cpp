#include "headrace/port/codec.hpp"

#include <gtest/gtest.h>

#include "described.hpp"

namespace headrace {
namespace {

using namespace test;

struct Note {
  std::string text;
  int size = 0;
};
HEADRACE_EVENT(Note, "test.note", version(2), key(text), text, size)

/// Writes the field `text` and nothing else; counts what it decodes.
class TextCodec final : public Codec {
 public:
  std::string_view content_type() const noexcept override { return "text/x-note"; }
  Result<std::vector<std::byte>> encode(const FieldValue& fields) const override {
    const auto* text = fields.find("text")->as<std::string>();
    if (text->empty()) return Error{"is empty", "text"};
    const auto bytes = std::as_bytes(std::span(*text));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }
  Result<FieldValue> decode(std::span<const std::byte> body) const override {
    ++decoded;
    FieldValue fields;
    fields.set("text", std::string(reinterpret_cast<const char*>(body.data()), body.size()));
    return fields;
  }
  mutable int decoded = 0;
};

Upcasters adds_size() {
  Upcasters upcasters;
  upcasters.add("test.note", 1, [](FieldValue& fields) -> Status {
    fields.set("size", fields.find("text")->as<std::string>()->size());
    return Nothing{};
  });
  return upcasters;
}

// Claim:  encoding fills in what the type knows, and keeps what was given.
// Method: an empty envelope and a full one.
TEST(Codec, EnvelopeIsFilledFromTheType) {
  const TextCodec codec;
  const auto event = encode_event(codec, Note{"hello", 1});
  ASSERT_TRUE(event);
  EXPECT_EQ(event->envelope.topic, "test.note");
  EXPECT_EQ(event->envelope.key, "hello");
  EXPECT_EQ(event->envelope.version, 2U);
  EXPECT_TRUE(event->envelope.id);
  EXPECT_EQ(event->content_type, "text/x-note");
  Envelope given;
  given.topic = "notes/7";
  given.key = "k";
  given.version = 9;
  given.id = EventId{1, 2};
  const auto kept = encode_event(codec, Note{"hello", 1}, given);
  given.version = 2;
  EXPECT_EQ(kept->envelope, given);
  EXPECT_EQ(encode_event(codec, Note{"", 1}).error().message(), "test.note: text: is empty");
}

// Claim:  an old event is decoded through its upcasters; a newer one is refused before its body is looked at.
// Method: versions 1, 2 and 3 of one body.
TEST(Codec, VersionDecidesBeforeDecoding) {
  const TextCodec codec;
  const Upcasters upcasters = adds_size();
  EncodedEvent event = *encode_event(codec, Note{"hello", 1});
  EXPECT_EQ(decode_event<Note>(codec, event, upcasters).error().message(), "test.note: size: is missing");
  event.envelope.version = 1;
  const auto old = decode_event<Note>(codec, event, upcasters);
  ASSERT_TRUE(old) << old.error().message();
  EXPECT_EQ(old->size, 5);
  codec.decoded = 0;
  event.envelope.version = 3;
  EXPECT_EQ(decode_event<Note>(codec, event, upcasters).error().message(),
            "test.note: version 3 is newer than 2, the newest known here");
  EXPECT_EQ(codec.decoded, 0);
}

// Claim:  the content type chooses the codec, its parameters and case aside.
// Method: spellings of it; one that nobody knows.
TEST(Codec, IsFoundByContentType) {
  Codecs codecs;
  codecs.add(std::make_shared<TextCodec>());
  EXPECT_NE(codecs.find("Text/X-Note ; charset=utf-8"), nullptr);
  EXPECT_EQ(codecs.find("text/x-notes"), nullptr);
  EncodedEvent event;
  event.content_type = "text/html";
  EXPECT_EQ(decode_event<Note>(codecs, event).error().message(),
            "test.note: no codec for content type 'text/html'");
}

}  // namespace
}  // namespace headrace
