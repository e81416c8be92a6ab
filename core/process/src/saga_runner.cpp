#include "headrace/process/saga_runner.hpp"

#include <utility>

#include "saga_engine.hpp"
#include "saga_history.hpp"

namespace headrace {
namespace {

constexpr std::size_t kIdBytesMax = 512;

Status check_id(const Saga& saga, const std::string& id) {
  if (!id.empty() && id.size() <= kIdBytesMax && id.find('\0') == std::string::npos) return Nothing{};
  return Error{"a saga's id has 1 to 512 bytes, none of them zero", "saga " + saga.name};
}

}  // namespace

SagaRunner::SagaRunner(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

SagaRunner::~SagaRunner() = default;

Result<std::unique_ptr<SagaRunner>> SagaRunner::open(EventStore& store, DeadLetterStore& dead_letters, Saga saga,
                                                     SagaOptions options) {
  if (const Status checked = check_saga(saga); !checked) return checked.error();
  auto engine = std::make_unique<Engine>(store, dead_letters, std::move(saga), std::move(options));
  if (const Status taken = engine->take_up_open(); !taken) return taken.error();
  engine->start_threads();
  return std::unique_ptr<SagaRunner>(new SagaRunner(std::move(engine)));
}

Result<StreamAppend> SagaRunner::beginning(const std::string& id, std::string_view input,
                                           SagaOrigin origin) const {
  if (const Status checked = check_id(engine_->saga, id); !checked) return checked.error();
  SagaTransition transition(engine_->saga, initial_state(engine_->saga, id), engine_->time.wall_time());
  transition.start(input, origin.correlation, origin.causation);
  return StreamAppend{stream_of(engine_->saga, id), ExpectedVersion::none(), std::move(transition.events())};
}

Result<SagaRunner::Started> SagaRunner::start(const std::string& id, std::string_view input, SagaOrigin origin) {
  if (const Status checked = check_id(engine_->saga, id); !checked) return checked.error();
  SagaTransition transition(engine_->saga, initial_state(engine_->saga, id), engine_->time.wall_time());
  transition.start(input, origin.correlation, origin.causation);
  const auto begun = engine_->begin(transition, ExpectedVersion::none());
  if (!begun) return begun.error();
  if (*begun) return Started::started;
  if (const Status ours = check_ours(engine_->store, engine_->saga, id); !ours) return ours.error();
  return Started::was_there;
}

Status SagaRunner::take_up(const std::string& id) {
  if (const Status checked = check_id(engine_->saga, id); !checked) return checked;
  return engine_->take_up(id);
}

Result<SagaRunner::Answered> SagaRunner::answer(std::string_view key, const StepAnswer& answer) {
  return engine_->answer(key, answer);
}

Result<bool> SagaRunner::revive(const std::string& id) { return engine_->revive(id); }

Result<SagaState> SagaRunner::state(const std::string& id) const {
  return load_saga(engine_->store, engine_->saga, id);
}

Result<SagaState> SagaRunner::wait_for(const std::string& id, std::chrono::milliseconds time) const {
  engine_->wait_until_left(id, time);
  return state(id);
}

SagaCounts SagaRunner::counts() const { return engine_->counts(); }

std::optional<EventTime> SagaRunner::poll() { return engine_->poll(); }

}  // namespace headrace
