#include "headrace/memory/memory_sink.hpp"
#include "headrace/memory/memory_source.hpp"
#include "rig.hpp"

namespace headrace::test {
namespace {

class MemoryRig final : public Rig {
 public:
  std::unique_ptr<Source> source(std::size_t unsettled_max) override {
    memory::MemorySourceOptions options;
    options.queue = topic();
    options.unsettled_max = unsettled_max;
    return std::make_unique<memory::MemorySource>(broker_, std::move(options));
  }
  std::unique_ptr<Sink> sink(std::size_t buffer_messages_max) override {
    memory::MemorySinkOptions options;
    options.buffer.messages_max = buffer_messages_max;
    return std::make_unique<memory::MemorySink>(broker_, std::move(options));
  }
  std::string topic() const override { return "orders"; }
  void stop_broker(Stop) override { broker_->stop(); }
  void start_broker() override { broker_->start_again(); }
  std::size_t dead_letters() override { return broker_->dead_letters(topic()).size(); }

 private:
  std::shared_ptr<memory::MemoryBroker> broker_ = std::make_shared<memory::MemoryBroker>();
};

}  // namespace

std::unique_ptr<Rig> make_rig() { return std::make_unique<MemoryRig>(); }
std::string why_no_rig() { return {}; }

}  // namespace headrace::test
