#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace headrace::bench {

/// Says on stderr what is measured once that takes longer than it should, so that one which hangs has a name.
class LongRun {
 public:
  explicit LongRun(std::string what)
      : thread_([what = std::move(what)](const std::stop_token& over) {
          std::mutex mutex;
          std::condition_variable_any ended;
          std::unique_lock lock(mutex);
          for (int minutes = 1; !ended.wait_for(lock, over, std::chrono::minutes(1), [] { return false; });
               ++minutes) {
            if (over.stop_requested()) return;
            std::fprintf(stderr, "%s: measured for %d min by now\n", what.c_str(), minutes);
          }
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace headrace::bench
