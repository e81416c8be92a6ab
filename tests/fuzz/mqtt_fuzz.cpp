#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "greeting.hpp"
#include "publish.hpp"
#include "topic_aliases.hpp"

namespace {

using headrace::mqtt::IncomingAliases;
using headrace::mqtt::Packet;
using headrace::mqtt::PacketType;

void check_publish(const Packet& packet, bool v5, IncomingAliases& aliases) {
  auto publish = headrace::mqtt::read_publish(packet, v5);
  if (!publish) return;
  const auto topic = aliases.topic_of(publish->message.topic, publish->topic_alias);
  if (!topic) return;
  publish->message.topic = *topic;
  if (!v5 || publish->qos == 0 || !headrace::mqtt::fault_of(publish->message, v5, 1 << 20).empty()) return;
  std::string bytes;
  headrace::mqtt::append_publish(publish->message, {.id = publish->id, .qos = publish->qos}, bytes);
  std::string_view rest = bytes;
  bool bad = false;
  const auto again = headrace::mqtt::take_packet(rest, 1 << 20, bad);
  if (!again || !rest.empty()) std::abort();
  const auto read = headrace::mqtt::read_publish(*again, v5);
  if (!read || read->message != publish->message || read->id != publish->id || read->qos != publish->qos)
    std::abort();
}

}  // namespace

// Input: what a broker sends; the first bit of its first byte says which version of MQTT it speaks.
// Claim: no bytes crash the reading; a topic's alias means a topic that was given, or nothing; a message that was read comes
// back as it was when it is written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool v5 = (data[0] & 1) != 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  IncomingAliases aliases(16);
  bool bad = false;
  while (const auto packet = headrace::mqtt::take_packet(rest, 4096, bad)) {
    if (packet->type == PacketType::connack) (void)headrace::mqtt::read_connack(packet->body, v5);
    if (packet->type == PacketType::publish) check_publish(*packet, v5, aliases);
  }
  if (!bad || v5) return 0;
  if (const auto head = headrace::mqtt::take_head(rest, bad)) {
    if (bad || head->type != PacketType::publish) std::abort();
    (void)headrace::mqtt::read_publish(*head, false);
  }
  return 0;
}
