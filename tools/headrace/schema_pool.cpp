#include "schema_pool.hpp"

#include <algorithm>

namespace headrace::program {

const Schema* SchemaPool::find_or_add(const std::vector<std::string>& names) {
  if (const auto found = schemas_.find(names); found != schemas_.end()) return found->second.get();
  if (schemas_.size() == schemas_max_) return nullptr;
  return schemas_.emplace(names, std::make_unique<Schema>(names, mentioned_)).first->second.get();
}

std::vector<std::string> SchemaPool::never_seen() const {
  std::vector<std::string> missing;
  for (std::uint32_t i = 0; i < mentioned_.names().size(); ++i) {
    const auto has = [i](const auto& schema) { return schema.second->column(FieldId{i}) != Schema::kNoColumn; };
    if (std::none_of(schemas_.begin(), schemas_.end(), has)) missing.push_back(mentioned_.names()[i]);
  }
  return missing;
}

}  // namespace headrace::program
