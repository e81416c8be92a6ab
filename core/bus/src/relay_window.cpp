#include "headrace/bus/relay_window.hpp"

#include <utility>

namespace headrace {

RelayWindow::Seen RelayWindow::admit(const std::string& identity, Settle& settle) {
  {
    const std::scoped_lock lock(mutex_);
    Identities place{identity};
    const auto [at, fresh] = entries_.try_emplace(identity);
    if (fresh) {
      at->second.place = place.begin();
      under_way_.splice(under_way_.end(), place);
      return Seen::first;
    }
    if (!at->second.done) {
      at->second.copies.push_back(std::move(settle));
      return Seen::under_way;
    }
  }
  settle(Settlement::done);
  return Seen::done;
}

void RelayWindow::finish(const std::string& identity, Settlement settlement, std::string_view reason) noexcept {
  std::vector<Settle> copies;
  {
    const std::scoped_lock lock(mutex_);
    const auto at = entries_.find(identity);
    if (at == entries_.end()) return;
    copies = std::move(at->second.copies);
    if (settlement == Settlement::done) {
      at->second.done = true;
      done_.splice(done_.end(), under_way_, at->second.place);
      if (done_.size() > done_max_) {
        entries_.erase(done_.front());
        done_.pop_front();
      }
    } else {
      under_way_.erase(at->second.place);
      entries_.erase(at);
    }
  }
  for (Settle& copy : copies) settlement == Settlement::reject ? copy.reject(reason) : copy(settlement);
}

}  // namespace headrace
