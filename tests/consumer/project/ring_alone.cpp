#include <cstdio>
#include <headrace/ring/mpmc_ring.hpp>

int main() {
  headrace::MpmcRing<int> ring{{.lane_capacity_slots = 8, .producers_max = 1}};
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  const bool pushed = producer && producer->try_emplace(42) == headrace::PushResult::pushed;
  const auto popped = consumer.try_pop();
  std::puts(pushed && popped == 42 ? "ring alone: 42" : "ring alone: wrong");
  return pushed && popped == 42 ? 0 : 1;
}
