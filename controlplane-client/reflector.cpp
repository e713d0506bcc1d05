// The loop: list -> watch -> watch -> … -> list, and what each failure means for the next step.
//
//   list fails                       wait, list again
//   list: no such kind (404)         wait long, where the kind is optional and nothing is known of
//   it list: version unknown (410, 504) list the server's latest, in one piece watch ends as it
//   should          watch again at once from the last version watch breaks, is refused, silent
//   wait, ask for the server's version; watch again from the last one: nothing was lost;
//                                    but list if the server's is older: it was set back, and a
//                                    watch would wait, without a word, until it reaches our version
//                                    again
//   watch: version too old (410)     wait, list
//   watch says what cannot be        wait, list: an event without a version, versions that go back,
//   no JSON watch stays silent               watch again; the second time list, since the server
//   may have gone back in time 20 to 30 minutes have passed     list: repairs whatever a server got
//   wrong without anybody noticing
//
// Nothing is ever taken for gone but by a DELETED event or by a list that was received whole.
#include "controlplane-client/reflector.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/url.hpp>

#include "controlplane-client/object_meta.hpp"

namespace fairlead::client {
namespace {

// The server cannot serve the version that we asked for: 410 too old, 504 too new, the others not
// understood.
bool is_version_refused(unsigned status) {
  return status == 400 || status == 410 || status == 422 || status == 504;
}

// Trying again will not help until a person does something.
bool is_lasting(const Error& error) {
  return is_status(error, 401) || is_status(error, 403) ||
         error.code == std::errc::permission_denied;
}

}  // namespace

Reflector::Reflector(ApiClient& client, Collection collection, const Timing& timing,
                     std::uint64_t seed, ReflectorSink& sink, ResourceStatus& status)
    : client_(client),
      collection_(std::move(collection)),
      timing_(timing),
      sink_(sink),
      backoff_(timing.backoff_first, timing.backoff_limit, seed),
      status_(status) {}

Awaitable<void> Reflector::run() {
  while (true) {
    Outcome outcome;
    if (list_due()) {
      outcome = co_await list();
    } else if (doubtful_) {
      outcome = co_await ask_version();
    } else {
      outcome = co_await watch();
    }
    settle(outcome);
    if (outcome.error) co_await wait(std::move(outcome));
  }
}

void Reflector::settle(const Outcome& outcome) {
  if (outcome.next != Outcome::Next::kGoOn) must_list_ = true;
  if (outcome.next == Outcome::Next::kListLatest) from_ = From::kLatest;
  if (outcome.error) doubtful_ = true;
  if (!outcome.error || outcome.usual) return;
  ++status_.errors;
  status_.last_error = outcome.error->doing;
  distrusted_ = outcome.error->code == std::errc::protocol_error;
  sink_.failing(*outcome.error, is_lasting(*outcome.error));
}

void Reflector::established() {
  distrusted_ = false;
  status_.last_error.clear();
  sink_.working();
}

Awaitable<void> Reflector::wait(Outcome outcome) {
  Timing::Duration delay = outcome.pause ? *outcome.pause : backoff_.next();
  if (outcome.retry_after) {
    delay = std::max(delay,
                     std::min<Timing::Duration>(*outcome.retry_after, timing_.retry_after_limit));
  }
  status_.state = ResourceStatus::State::kWaiting;
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, delay);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

Awaitable<Result<Answer>> Reflector::get(std::string query) {
  status_.state = ResourceStatus::State::kConnecting;
  auto path = co_await collection_.path();
  if (!path) co_return tl::unexpected(std::move(path).error());
  HttpRequest request;
  request.target = *path + '?' + query + selector();
  auto answer = co_await client_.send(std::move(request));
  if (answer) contact();
  co_return answer;
}

Awaitable<Reflector::Outcome> Reflector::refused(Answer answer) {
  const unsigned status = answer.head().status;
  Outcome outcome;
  outcome.retry_after = answer.head().retry_after;
  outcome.error = co_await answer.error();
  if (status == 404) {
    collection_.path_not_found();
    outcome.next = Outcome::Next::kListAgain;
    if (collection_.retry_absent && known_.empty()) {
      outcome.usual = true;
      outcome.pause = collection_.retry_absent;
      status_.synced = true;
      established();
      sink_.listed();
    }
  }
  if (is_version_refused(status)) {
    // A list from here on is one of the latest state; a watch's list still may come from the
    // server's cache.
    const bool listing = must_list_;
    outcome.usual = !(listing && from_ == From::kLatest);
    outcome.next = listing ? Outcome::Next::kListLatest : Outcome::Next::kListAgain;
  }
  co_return outcome;
}

std::string Reflector::selector() const {
  std::string query;
  const auto add = [&query](std::string_view key, const std::string& value) {
    if (value.empty()) return;
    query +=
        '&' + std::string(key) + '=' + boost::urls::encode(value, boost::urls::unreserved_chars);
  };
  add("labelSelector", collection_.label_selector);
  add("fieldSelector", collection_.field_selector);
  return query;
}

bool Reflector::went_back(std::string_view resource_version) const {
  return is_older_version(resource_version, resource_version_);
}

}  // namespace fairlead::client
