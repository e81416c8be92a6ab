#pragma once

#include <utility>

#include "headrace/port/dead_letter_requests.hpp"
#include "reader.hpp"
#include "state_stores.hpp"

namespace headrace::sqlite {

/// The table dead_letter_requests behind the port. Looks that find nothing write nothing.
class LetterRequests final : public DeadLetterRequests {
 public:
  LetterRequests(Readers& readers, Write write) : readers_(readers), write_(std::move(write)) {}

  Result<DeadLetterRequestId> ask(const DeadLetterRequest& request, EventTime now, EventTime expires) override;
  Result<std::optional<DeadLetterAnswer>> look(DeadLetterRequestId id) override;
  Result<bool> withdraw(DeadLetterRequestId id) override;
  Result<std::optional<Taken>> take(std::string_view by, EventTime now) override;
  Status report(DeadLetterRequestId id, const DeadLetterAnswer& answer, EventTime now) override;

 private:
  [[nodiscard]] Result<bool> is_any_asked(EventTime now);

  Readers& readers_;
  Write write_;
};

}  // namespace headrace::sqlite
