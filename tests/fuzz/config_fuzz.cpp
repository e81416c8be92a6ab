#include <cstdint>
#include <string>
#include <string_view>

#include "config.hpp"
#include "pieces.hpp"
#include "predicate.hpp"
#include "text_template.hpp"
#include "timestamp.hpp"

// Input: a config; and, as it stands, a text in each of the small languages that configs hold.
// Claim: no bytes crash a parser; a problem lies within the text; what parses can be used on a record.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headrace::program;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const ConfigProblem& problem : parse_config(input, "fuzz.toml").problems) {
    require(!problem.message().empty());
  }

  FieldTable mentioned;
  const auto condition = Predicate::parse(input, mentioned);
  const auto text = TextTemplate::parse(input, mentioned);
  const auto topic = TopicTemplate::parse(input, mentioned);
  const auto format = TimeFormat::parse(input);
  require(condition.value || condition.column <= size);
  require(text.value || text.column <= size);
  require(topic.value || topic.column <= size);

  RecordBuilder builder;
  for (std::size_t i = 0; i < mentioned.names().size(); ++i) builder.add(FieldKind::untyped, input);
  const Schema schema(mentioned.names(), mentioned);
  const Record record = builder.build(schema, 1);
  std::string out;
  if (condition) (void)(*condition.value)(record);
  if (text) text.value->render(record, "topic", out);
  if (topic) (void)topic.value->render(record, out);
  if (format) (void)format.value->read(input);
  (void)TimeFormat::parse("iso8601").value->read(input);
  return 0;
}
