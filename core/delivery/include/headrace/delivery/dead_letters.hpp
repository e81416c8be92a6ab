#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "headrace/delivery/delivery_directory.hpp"
#include "headrace/delivery/delivery_options.hpp"
#include "headrace/delivery/redrive.hpp"
#include "headrace/dispatch/dispatcher.hpp"

namespace headrace {

/// What an operator does with the dead letters of a running bus. Redrives proceed on the bus's workers; what they
/// return tells how far they are.
/// Threads: any.  Lifetime: may outlive the bus; a redrive then ends with an error.
class DeadLetters {
 public:
  DeadLetters(std::shared_ptr<DeadLetterStore> store, std::shared_ptr<DeliveryDirectory> directory,
              const std::shared_ptr<Dispatcher>& dispatcher, DeliveryDefaults defaults)
      : store_(std::move(store)),
        directory_(std::move(directory)),
        dispatcher_(dispatcher),
        defaults_(std::move(defaults)) {}

  [[nodiscard]] Result<std::vector<DeadLetter>> list(
      const DeadLetterFilter& filter = {},
      std::size_t letters_max = std::numeric_limits<std::size_t>::max()) const {
    return store_->list(filter, letters_max);
  }
  /// One letter. It must be its turn: a letter that parks its key comes after the earlier ones of the key.
  [[nodiscard]] std::shared_ptr<Redrive> redrive(DeadLetterId letter) {
    return redrive(DeadLetterFilter{.id = letter});
  }
  /// One letter whose event is changed before it runs: `edit` is given its fields, brought up to the present
  /// version by the upcasters of DeliveryDefaults::event_types, which it needs. It runs on a worker. An edit that
  /// answers with an error, throws, changes the key, or leaves fields that are no event of the type skips the
  /// letter: see RedriveReport::why_skipped. What fails again stands in the store as it was edited, if the event
  /// has an id; else as it was.
  [[nodiscard]] std::shared_ptr<Redrive> redrive_edited(DeadLetterId letter, Redrive::Edit edit) {
    return begin(DeadLetterFilter{.id = letter}, {}, Redrive::WhenOneFails::go_on, std::move(edit));
  }
  /// All letters that the filter means, those that come while it runs included.
  [[nodiscard]] std::shared_ptr<Redrive> redrive(DeadLetterFilter filter, RedriveOptions options = {}) {
    return begin(std::move(filter), options, Redrive::WhenOneFails::go_on);
  }
  /// A parked key's letters, in order, up to the first that fails again. When all are gone the key flows again;
  /// events that came meanwhile stood behind them, and are among them.
  [[nodiscard]] std::shared_ptr<Redrive> release_key(std::string subscription, std::string key,
                                                     RedriveOptions options = {}) {
    DeadLetterFilter filter;
    filter.subscription = std::move(subscription);
    filter.key = std::move(key);
    return begin(std::move(filter), options, Redrive::WhenOneFails::stop);
  }
  /// Removes letters for good, and frees the keys that were parked by none but them. Answers how many.
  Result<std::size_t> discard(const DeadLetterFilter& filter);

 private:
  std::shared_ptr<Redrive> begin(DeadLetterFilter filter, RedriveOptions options, Redrive::WhenOneFails when,
                                 Redrive::Edit edit = {});

  std::shared_ptr<DeadLetterStore> store_;
  std::shared_ptr<DeliveryDirectory> directory_;
  std::weak_ptr<Dispatcher> dispatcher_;
  DeliveryDefaults defaults_;
};

}  // namespace headrace
