#include "pipeline.hpp"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <set>

#include "bus_options.hpp"
#include "flow_file.hpp"
#include "headrace/headrace.hpp"
#include "intake.hpp"
#include "progress.hpp"
#include "reject_file.hpp"

namespace headrace::program {

/// What travels over the bus: a record and the hash of its key.
struct KeyedRecord {
  Record record;
  std::uint64_t key = 0;
};
HEADRACE_EVENT(KeyedRecord, "headrace.record", key(key))

namespace {

class ContextForwarding final : public Forwarding {
 public:
  ContextForwarding(Context& context, std::uint64_t key) : context_(context), key_(key) {}
  bool publish(std::string_view topic, Record record) override {
    return static_cast<bool>(context_.publish(topic, KeyedRecord{std::move(record), key_}));
  }

 private:
  Context& context_;
  const std::uint64_t key_;
};

class PublisherEntrance final : public Entrance {
 public:
  PublisherEntrance(Bus& bus, std::string_view source) : publisher_(bus.publisher(source)) {}

  Answer publish(std::string_view topic, std::uint64_t key_hash, Record record) override {
    const PublishResult result = publisher_.publish(topic, KeyedRecord{std::move(record), key_hash});
    const std::string_view status = to_string(result.status());
    if (result) return {Taken::yes, status};
    switch (result.status()) {
      case PublishStatus::closed:
        return {Taken::closed, status};
      case PublishStatus::too_many_topics:
      case PublishStatus::bad_topic:
        return {Taken::rejected, status};
      default:
        return {Taken::no, status};
    }
  }

 private:
  Publisher publisher_;
};

/// The handlers' side of a run: what the subscriptions do, and the files that they share by path.
class Works {
 public:
  Works(const Config& config, Console& console) : config_(config), console_(console) {}

  [[nodiscard]] Status open() {
    for (const SubscriptionConfig& subscription : config_.subscriptions) {
      std::shared_ptr<OutputFile> file;
      if (subscription.write) {
        std::shared_ptr<OutputFile>& shared = files_[subscription.write->lexically_normal()];
        if (shared == nullptr) {
          auto created = OutputFile::create(*subscription.write);
          if (!created) return created.error();
          shared = std::move(*created);
        }
        file = shared;
      }
      std::shared_ptr<StoreOutput> store;
      if (subscription.store) {
        std::shared_ptr<StoreOutput>& shared = stores_[*subscription.store];
        if (shared == nullptr) {
          auto opened = StoreOutput::open(*subscription.store);
          if (!opened) return opened.error();
          shared = std::move(*opened);
        }
        store = shared;
      }
      works_.push_back(
          std::make_unique<SubscriptionWork>(subscription, config_.bus.workers, console_, file, store));
    }
    return Nothing{};
  }

  /// Throws ConfigError for a filter or placement that the bus cannot honour.
  void subscribe(Bus& bus) {
    for (const auto& work : works_) {
      const auto handler = [work = work.get()](const KeyedRecord& event, Context& context) {
        ContextForwarding forwarding(context, event.key);
        work->handle(event.record, context.topic(), context.worker(), forwarding);
      };
      const SubscribeOptions options = subscribe_options(work->config());
      if (const auto& condition = work->config().where) {
        const auto accepts = [&condition](const KeyedRecord& event) { return (*condition)(event.record); };
        subscriptions_.push_back(bus.subscribe<KeyedRecord>(options, headrace::where(accepts), handler));
      } else {
        subscriptions_.push_back(bus.subscribe<KeyedRecord>(options, handler));
      }
    }
  }

  [[nodiscard]] Status close() {
    Status first = Nothing{};
    for (auto& [path, file] : files_) {
      if (Status closed = file->close(); !closed && first) first = closed;
    }
    for (auto& [path, store] : stores_) {
      if (Status closed = store->close(); !closed && first) first = closed;
    }
    return first;
  }

  [[nodiscard]] const std::vector<std::unique_ptr<SubscriptionWork>>& all() const noexcept { return works_; }

 private:
  const Config& config_;
  Console& console_;
  std::map<std::filesystem::path, std::shared_ptr<OutputFile>> files_;
  std::map<std::filesystem::path, std::shared_ptr<StoreOutput>> stores_;
  std::vector<std::unique_ptr<SubscriptionWork>> works_;
  std::vector<Subscription> subscriptions_;  // last: ended first
};

Latency latency_of(const HistogramSnapshot& histogram) {
  return {histogram.percentile(50), histogram.percentile(99), histogram.percentile(99.9), histogram.max()};
}

void add_subscriptions(RunReport& report, const Snapshot& snapshot, const Works& works) {
  for (const auto& work : works.all()) {
    SubscriptionSummary summary;
    summary.name = work->config().name;
    summary.group = work->config().group;
    summary.filter = work->config().filter;
    summary.work = work->total();
    if (work->config().store) summary.file = work->config().store->string();
    if (work->config().write) summary.file = work->config().write->string();
    for (const SubscriptionReport& counted : snapshot.subscriptions) {
      if (counted.name != summary.name) continue;
      summary.handled = counted.handled;
      summary.refused = counted.refused;
      summary.failed = counted.failed;
      const auto reached = static_cast<double>(counted.handled + counted.refused + counted.failed);
      if (counted.runs > 0) summary.batch_mean = reached / static_cast<double>(counted.runs);
      if (!counted.queue_wait_ns.empty()) summary.waited = latency_of(counted.queue_wait_ns);
      if (!counted.handling_ns.empty()) summary.handling = latency_of(counted.handling_ns);
    }
    report.subscriptions.push_back(std::move(summary));
  }
}

std::string source_name(const SourceConfig& source) {
  switch (source.kind) {
    case SourceConfig::Kind::file:
      return source.path.string();
    case SourceConfig::Kind::standard_input:
      return "stdin";
    case SourceConfig::Kind::tcp:
      return "tcp";
  }
  return {};
}

/// Handlers' errors as the bus reports them: the first few in words, the rest as a number.
class HandlerErrors {
 public:
  void add(const HandlerError& error) {
    const std::lock_guard lock(mutex_);
    if (texts_.size() < kTextsMax) texts_.insert(fmt::format("{}: {}", error.subscription, error.what));
  }
  [[nodiscard]] const std::set<std::string>& texts() const noexcept { return texts_; }

 private:
  static constexpr std::size_t kTextsMax = 5;
  std::mutex mutex_;
  std::set<std::string> texts_;
};

void add_warnings(RunReport& report, const SchemaPool& schemas, const StopReport& stopped,
                  const HandlerErrors& errors) {
  for (const std::string& text : errors.texts()) report.warnings.push_back("a handler failed: " + text);
  if (!stopped.drained) {
    report.warnings.push_back(
        fmt::format("stopped before all was handled; {} deliveries were given up", stopped.abandoned));
  }
  for (const std::string& worker : stopped.stuck)
    report.warnings.push_back("did not return from its handler: " + worker);
  if (report.records == report.rejected) return;  // no record to speak of
  for (const std::string& field : schemas.never_seen()) {
    report.warnings.push_back(fmt::format("no record had the field '{}' that the config mentions", field));
  }
}

}  // namespace

Result<RunReport> run_pipeline(const Config& config, Console& console, const Interrupt& interrupt,
                               const std::filesystem::path& graph_file) try {
  SchemaPool schemas(config.fields);  // outlives the bus and all that holds records
  RejectFile rejects(config.rejects);
  HandlerErrors errors;
  Works works(config, console);
  if (const Status opened = works.open(); !opened) return opened.error();

  DispatcherOptions options = bus_options(config.bus);
  options.on_handler_error = [&errors](const HandlerError& error) { errors.add(error); };
  Bus bus(std::move(options));
  works.subscribe(bus);
  bus.start();

  PublisherEntrance entrance(bus, source_name(config.source));
  FlowFile graph(graph_file, console, [&bus] { return bus.flow(); });
  Intake intake(config, interrupt, rejects, entrance);
  const auto started = std::chrono::steady_clock::now();
  Status read = Nothing{};
  {
    const Progress progress(console, intake);
    read = read_source(config.source, schemas, interrupt, intake);
  }
  const StopReport stopped = bus.stop(config.bus.stop_deadline);
  const bool graph_written = graph.finish();

  RunReport report;
  report.took = std::chrono::steady_clock::now() - started;
  report.source = source_name(config.source);
  report.interrupted = interrupt.raised();
  report.records = intake.records();
  report.rejected = rejects.count();
  report.first_reject = rejects.first();
  report.reject_file = rejects.path().string();
  report.not_taken = intake.not_taken();
  report.ledger = stopped.ledger;
  add_subscriptions(report, bus.snapshot(), works);
  add_warnings(report, schemas, stopped, errors);
  for (const Status& closed : {works.close(), rejects.close()}) {
    if (closed) continue;
    report.warnings.push_back(closed.error().message());
    if (report.lost_output.empty()) report.lost_output = closed.error().message();
  }
  if (!graph_written) report.warnings.emplace_back("the graph could not be written");
  if (intake.problem()) return *intake.problem();
  if (!read) return read.error();
  return report;
} catch (const ConfigError& error) {
  return Error{error.what(), config.file.string()};
}

}  // namespace headrace::program
