#include "headrace/route/topic_cache.hpp"

#include <array>

#include "harness/litmus.hpp"

namespace headrace::model {
namespace {

constexpr std::uint32_t kEntriesMax = 3;  // four buckets

// Names of one bucket, so that the walk along its chain is in play.
std::array<std::string_view, 3> colliding_names() {
  static constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz";
  std::array<std::string_view, 3> names;
  std::size_t found = 0;
  for (std::size_t i = 0; i < kAlphabet.size() && found < names.size(); ++i) {
    const std::string_view name = kAlphabet.substr(i, 1);
    if (found == 0 || hash_bytes(name) % 4 == hash_bytes(names[0]) % 4) names[found++] = name;
  }
  return names;
}
const std::array<std::string_view, 3> names = colliding_names();

struct FindsWhatIsInserted : Litmus<FindsWhatIsInserted, 3> {
  TopicCache<std::uint64_t> cache{kEntriesMax};
  void thread(unsigned index) {
    if (index == 0) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        require(cache.insert(names[i], i + 1) == CacheInsert::inserted, "a new name is inserted");
      }
      return;
    }
    std::size_t found = 0;
    for (std::size_t i = names.size(); i-- > 0;) {
      const std::uint64_t* value = cache.find(names[i]);
      require(value == nullptr || *value == i + 1, "a name has the value it was inserted with");
      require(value != nullptr || found == 0, "who found a later name finds the earlier ones");
      if (value != nullptr) ++found;
    }
  }
};
const Register<FindsWhatIsInserted> finds{"topic_cache.finds",
                                          "Readers find whole entries while the chain grows."};

}  // namespace
}  // namespace headrace::model
