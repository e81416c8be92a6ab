#include "harness/justifications.hpp"

#include <fstream>

namespace headrace::model {

std::optional<Justifications> Justifications::read(const std::string& path, std::string& error) {
  std::ifstream in(path);
  if (!in) {
    error = "cannot read " + path;
    return std::nullopt;
  }
  Justifications result;
  std::vector<std::string> paragraph;
  unsigned number = 0;
  const auto finish = [&] {
    if (paragraph.empty()) return true;
    if (paragraph.size() < 4) {
      error = path + ":" + std::to_string(number) + ": a justification ends without its reason";
      return false;
    }
    Justification entry{paragraph[0], paragraph[1], paragraph[2], paragraph[3], number, false};
    for (std::size_t i = 4; i < paragraph.size(); ++i) entry.reason += ' ' + paragraph[i];
    result.all_.push_back(entry);
    paragraph.clear();
    return true;
  };
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with('#')) continue;
    if (!line.empty()) {
      paragraph.push_back(line);
    } else if (!finish()) {
      return std::nullopt;
    }
  }
  if (!finish()) return std::nullopt;
  return result;
}

const Justification* Justifications::find(const std::string& file_and_function, const std::string& code,
                                          const std::string& mutation) {
  for (Justification& entry : all_) {
    if (entry.file_and_function == file_and_function && entry.code == code && entry.mutation == mutation) {
      entry.used = true;
      return &entry;
    }
  }
  return nullptr;
}

std::vector<const Justification*> Justifications::unused() const {
  std::vector<const Justification*> result;
  for (const Justification& entry : all_) {
    if (!entry.used) result.push_back(&entry);
  }
  return result;
}

}  // namespace headrace::model
