#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace headrace {

/// What a thrown exception means for the event whose handler threw it.
enum class OnException : std::uint8_t {
  retry,        ///< by the subscription's retry policy
  dead_letter,  ///< given up at once: trying again cannot help
  ignore,       ///< the event counts as handled
};

/// Which exception means what, on one subscription. Rules are tried in the order given, a base class catches what
/// is derived from it, as in a row of catch clauses; what no rule names is retried.
///
///   ExceptionPolicy{}.on<std::invalid_argument>(OnException::dead_letter).on<NotFound>(OnException::ignore)
///
/// Threads: built at start-up, then read by any thread. A look costs a rethrow a rule: failures only.
class ExceptionPolicy {
 public:
  struct Verdict {
    OnException action = OnException::retry;
    std::string what;  ///< the exception's own text, or that it has none
  };

  template <class Exception>
  ExceptionPolicy&& on(OnException action) && {
    add<Exception>(action);
    return std::move(*this);
  }
  template <class Exception>
  ExceptionPolicy& on(OnException action) & {
    add<Exception>(action);
    return *this;
  }
  /// What no rule names.
  ExceptionPolicy&& otherwise(OnException action) && {
    otherwise_ = action;
    return std::move(*this);
  }
  ExceptionPolicy& otherwise(OnException action) & {
    otherwise_ = action;
    return *this;
  }

  [[nodiscard]] bool has_rules() const noexcept { return !rules_.empty() || otherwise_ != OnException::retry; }

  [[nodiscard]] Verdict judge(const std::exception_ptr& thrown) const {
    Verdict verdict{otherwise_, text_of(thrown)};
    for (const Rule& rule : rules_) {
      if (rule.names(thrown)) {
        verdict.action = rule.action;
        break;
      }
    }
    return verdict;
  }

 private:
  struct Rule {
    bool (*names)(const std::exception_ptr& thrown);
    OnException action;
  };

  template <class Exception>
  void add(OnException action) {
    rules_.push_back({[](const std::exception_ptr& thrown) {
                        try {
                          std::rethrow_exception(thrown);
                        } catch (const Exception&) {
                          return true;
                        } catch (...) {
                          return false;
                        }
                      },
                      action});
  }
  [[nodiscard]] static std::string text_of(const std::exception_ptr& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& failure) {
      return failure.what();
    } catch (...) {
      return "an exception that is no std::exception";
    }
  }

  std::vector<Rule> rules_;
  OnException otherwise_ = OnException::retry;
};

}  // namespace headrace
