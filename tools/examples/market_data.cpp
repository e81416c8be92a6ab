// A feed of trades in bursts. Two groups see every trade:
// - "bars" takes whole runs as a span, and keeps open, high, low, close and volume of each instrument;
// - "blocks" takes single trades, and only those that its condition lets through.
// Trades of one instrument share a key, so that a sharded group handles them in order, without locks.

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <span>
#include <vector>

#include "headrace/headrace.hpp"

namespace hr = headrace;

struct Trade {
  std::uint32_t instrument;
  std::uint32_t quantity;
  double price;
};
HEADRACE_EVENT(Trade, "market.trades", key(instrument), instrument, quantity, price)

namespace {

constexpr std::uint32_t kInstruments = 8;
constexpr std::size_t kBurst = 64;
constexpr int kBursts = 2'000;
constexpr unsigned kWorkers = 2;

struct Bar {
  double open = 0, high = 0, low = 0, close = 0;
  std::uint64_t volume = 0;

  void add(const Trade& trade) {
    if (volume == 0) open = high = low = trade.price;
    high = std::max(high, trade.price);
    low = std::min(low, trade.price);
    close = trade.price;
    volume += trade.quantity;
  }
};

}  // namespace

int main() {
  // A worker writes the bars of its own instruments only: the key decides which those are.
  std::array<Bar, kInstruments> bars;
  std::uint64_t blocks = 0;

  hr::Bus bus{{.workers = kWorkers}};
  auto bar_group = bus.subscribe<Trade>({.group = "bars", .placement = hr::Placement::sharded},
                                        [&bars](std::span<const Trade> trades) {
                                          for (const Trade& trade : trades) bars[trade.instrument].add(trade);
                                        });
  auto block_group = bus.subscribe<Trade>({.group = "blocks"},
                                          hr::where([](const Trade& trade) { return trade.quantity >= 990; }),
                                          [&blocks](const Trade&) { ++blocks; });
  bus.start();

  std::mt19937 random(2);
  std::array<double, kInstruments> prices;
  prices.fill(100.0);
  std::uint64_t volume = 0;
  std::uint64_t blocks_sent = 0;
  hr::Publisher publisher = bus.publisher();
  std::vector<Trade> burst(kBurst);
  for (int i = 0; i < kBursts; ++i) {
    for (Trade& trade : burst) {
      trade.instrument = static_cast<std::uint32_t>(random()) % kInstruments;
      trade.quantity = 1 + static_cast<std::uint32_t>(random()) % 1'000;
      trade.price = prices[trade.instrument] += static_cast<double>(random() % 201) / 1'000 - 0.1;
      volume += trade.quantity;
      blocks_sent += trade.quantity >= 990 ? 1 : 0;
    }
    if (!publisher.publish(std::span<const Trade>(burst))) return 1;
  }
  const hr::StopReport report = bus.stop(std::chrono::seconds(30));

  std::uint64_t volume_seen = 0;
  for (std::uint32_t i = 0; i < kInstruments; ++i) {
    const Bar& bar = bars[i];
    std::printf("instrument %u  open %7.2f  high %7.2f  low %7.2f  close %7.2f  volume %lu\n", i, bar.open,
                bar.high, bar.low, bar.close, static_cast<unsigned long>(bar.volume));
    volume_seen += bar.volume;
    if (bar.close != prices[i]) return 2;  // out of order
  }
  std::printf("%lu block trades\n%s\n", static_cast<unsigned long>(blocks), to_string(report.ledger).c_str());
  return volume_seen == volume && blocks == blocks_sent && report.ledger.balanced() ? 0 : 3;
}
