#include "tree_builder.hpp"

#include <algorithm>

#include "headrace/base/utf8.hpp"

namespace headrace::wire {
namespace {

constexpr std::size_t kNamesComparedOneByOne = 16;

std::string count_text(std::size_t count, std::string_view of, std::size_t most) {
  return "has " + std::to_string(count) + " " + std::string(of) + ", " + std::to_string(most) + " is the most";
}

}  // namespace

std::string text_fault(std::string_view text, const CodecLimits& limits) {
  if (text.size() > limits.text_bytes_max) return count_text(text.size(), "bytes", limits.text_bytes_max);
  if (text.find('\0') != std::string_view::npos) return "holds NUL";
  if (malformed_utf8(text) != std::string_view::npos) return "is not UTF-8";
  return {};
}

Status check_body_size(std::size_t bytes, const CodecLimits& limits) {
  if (bytes <= limits.body_bytes_max) return Nothing{};
  return Error{count_text(bytes, "bytes", limits.body_bytes_max), "body"};
}

bool TreeBuilder::fail(std::string what, std::string where) {
  if (fault_.what.empty()) fault_ = Error{std::move(what), std::move(where)};
  return false;
}

bool TreeBuilder::text_fits(std::string_view text) {
  std::string fault = text_fault(text, limits_);
  return fault.empty() || fail(std::move(fault), path());
}

bool TreeBuilder::binary(nlohmann::json::binary_t& value) {
  if (value.has_subtype()) return fail("is of an extension type", path());
  const auto bytes_of = std::as_bytes(std::span(value));
  return bytes(FieldValue::Bytes(bytes_of.begin(), bytes_of.end()));
}

bool TreeBuilder::bytes(FieldValue::Bytes value) {
  if (value.size() > limits_.text_bytes_max) {
    return fail(count_text(value.size(), "bytes", limits_.text_bytes_max), path());
  }
  return add(std::move(value));
}

bool TreeBuilder::is_known(Frame& frame, const std::string& name) {
  const auto& record = *frame.container->as<FieldValue::Record>();
  if (record.size() < kNamesComparedOneByOne) return frame.container->find(name) != nullptr;
  if (frame.names.empty()) {
    for (const NamedField& field : record) frame.names.insert(field.name);
  }
  return !frame.names.insert(name).second;
}

bool TreeBuilder::key(std::string& name) {
  if (!text_fits(name)) return false;
  Frame& frame = open_.back();
  const bool known = is_known(frame, name);
  frame.key = std::move(name);
  return !known || fail("stands twice", path());
}

FieldValue* TreeBuilder::place(FieldValue value) {
  if (++items_ > limits_.items_max) {
    fail("more than " + std::to_string(limits_.items_max) + " values", path());
    return nullptr;
  }
  if (open_.empty()) return &(root_ = std::move(value));
  Frame& frame = open_.back();
  if (auto* list = frame.container->as<FieldValue::List>()) return &list->emplace_back(std::move(value));
  auto& record = *frame.container->as<FieldValue::Record>();
  return &record.emplace_back(NamedField{std::move(frame.key), std::move(value)}).value;
}

bool TreeBuilder::open(FieldValue container) {
  if (open_.size() >= limits_.depth_max) {
    return fail("is deeper than " + std::to_string(limits_.depth_max) + " levels", path());
  }
  FieldValue* placed = place(std::move(container));
  if (placed == nullptr) return false;
  open_.push_back({placed, {}, {}});
  return true;
}

bool TreeBuilder::close() {
  open_.pop_back();
  return true;
}

bool TreeBuilder::parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) {
  // The library's text begins with its own identifier in brackets and the place, which `where` says.
  std::string_view text = error.what();
  if (const auto colon = text.find(": "); colon != std::string_view::npos) text.remove_prefix(colon + 2);
  return fail(std::string(text), "byte " + std::to_string(position));
}

std::string TreeBuilder::path() const {
  std::string path;
  for (const Frame& frame : open_) {
    if (const auto* list = frame.container->as<FieldValue::List>()) {
      // While something inside is open, it is the last of the list; else the next one is meant.
      const bool inside = &frame != &open_.back();
      path += "[" + std::to_string(list->size() - (inside ? 1 : 0)) + "]";
    } else {
      const auto& record = *frame.container->as<FieldValue::Record>();
      const bool inside = &frame != &open_.back();
      path += (path.empty() ? "" : ".") + (inside ? record.back().name : frame.key);
    }
  }
  return path.empty() ? "body" : path;
}

Result<FieldValue> TreeBuilder::take(bool complete) {
  if (complete && fault_.what.empty()) return std::move(root_);
  if (fault_.what.empty()) fail("is no complete value", "body");
  return fault_;
}

namespace {

/// Walks what a program made by the rules for what is read.
class FieldsCheck {
 public:
  explicit FieldsCheck(const CodecLimits& limits) : limits_(limits) {}

  [[nodiscard]] bool visit(const FieldValue& value, std::size_t depth) {
    if (++items_ > limits_.items_max) return fail("more than " + std::to_string(limits_.items_max) + " values");
    if (const auto* text = value.as<std::string>()) return text_fits(*text);
    if (const auto* bytes = value.as<FieldValue::Bytes>()) {
      return bytes->size() <= limits_.text_bytes_max ||
             fail(count_text(bytes->size(), "bytes", limits_.text_bytes_max));
    }
    const auto* list = value.as<FieldValue::List>();
    const auto* record = value.as<FieldValue::Record>();
    if (list == nullptr && record == nullptr) return true;
    if (depth >= limits_.depth_max) {
      return fail("is deeper than " + std::to_string(limits_.depth_max) + " levels");
    }
    return list != nullptr ? visit_list(*list, depth + 1) : visit_record(*record, depth + 1);
  }
  [[nodiscard]] Status result() const {
    if (fault_.what.empty()) return Nothing{};
    return Error{fault_.what, fault_.where.empty() ? "body" : fault_.where};
  }

 private:
  bool fail(std::string what) {
    fault_.what = std::move(what);
    return false;
  }
  bool inside(const std::string& step) {
    const bool joined = fault_.where.empty() || fault_.where.front() == '[';
    fault_.where = step + (joined ? "" : ".") + fault_.where;
    return false;
  }
  bool text_fits(std::string_view text) {
    std::string fault = text_fault(text, limits_);
    return fault.empty() || fail(std::move(fault));
  }
  bool visit_list(const FieldValue::List& list, std::size_t depth) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!visit(list[i], depth)) return inside("[" + std::to_string(i) + "]");
    }
    return true;
  }
  bool visit_record(const FieldValue::Record& record, std::size_t depth) {
    std::unordered_set<std::string_view> names;
    for (const NamedField& field : record) {
      if (!names.insert(field.name).second) return fail("stands twice"), inside(field.name);
      if (!text_fits(field.name)) return inside("a name");
      if (!visit(field.value, depth)) return inside(field.name);
    }
    return true;
  }

  const CodecLimits& limits_;
  std::size_t items_ = 0;
  Error fault_;
};

}  // namespace

Status check_fields(const FieldValue& fields, const CodecLimits& limits) {
  FieldsCheck check(limits);
  (void)check.visit(fields, 0);
  return check.result();
}

}  // namespace headrace::wire
