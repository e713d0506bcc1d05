// One collection of the API server, kept in step: list, watch from where the list ended, list again
// where that is lost.
#pragma once

#include <boost/json.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "controlplane-client/api_client.hpp"
#include "controlplane-client/backoff.hpp"
#include "controlplane-client/json_stream.hpp"
#include "controlplane-client/status.hpp"
#include "model/object.hpp"

namespace fairlead::client {

/// Receives a collection. Cluster-wide objects have an empty namespace.
struct ReflectorSink {
  virtual ~ReflectorSink() = default;
  virtual void upsert(const ObjectName& name, const boost::json::value& object) = 0;
  /// The object exists, but cannot be had; what was last known of it stays. `name` may be empty in
  /// part.
  virtual void unusable(const ObjectName& name, std::string_view why) = 0;
  virtual void gone(const ObjectName& name) = 0;
  /// A list has been received whole, and what was not in it has been reported gone.
  virtual void listed() = 0;
  /// The server could not be asked. Repeated with each attempt. `lasting`: a person must act.
  virtual void failing(const Error& error, bool lasting) = 0;
  /// It can be asked again.
  virtual void working() = 0;
};

struct Collection {
  /// Finds the path: "/api/v1/services". Asked before each list and watch.
  std::function<Awaitable<Result<std::string>>()> path;
  /// The server answered 404 for the path.
  std::function<void()> path_not_found;
  std::string label_selector = {}, field_selector = {};
  /// Set: the server may not have the kind at all. While it answers 404 and nothing is known of the
  /// kind, the collection counts as empty, and is asked for again after so long. What is known
  /// stays whatever the 404 (a server that starts may say it of kinds that it has).
  std::optional<Timing::Duration> retry_absent = {};
};

class Reflector {
 public:
  /// `status` is kept up to date, but for `undecodable`.
  Reflector(ApiClient& client, Collection collection, const Timing& timing, std::uint64_t seed,
            ReflectorSink& sink, ResourceStatus& status);

  /// Runs until it is cancelled.
  Awaitable<void> run();

 private:
  using Clock = std::chrono::steady_clock;
  struct ListReader;
  struct WatchReader;
  /// Where a list may be taken from. In this order each is fresher and dearer to the server.
  enum class From : std::uint8_t { kCache, kAtLeastLast, kLatest };
  /// What to do after a list or a watch.
  struct Outcome {
    enum class Next : std::uint8_t { kGoOn, kListAgain, kListLatest };
    Next next = Next::kGoOn;
    std::optional<Error> error;  // set: wait before
    bool usual = false;  // the error is part of the protocol, and nobody needs to hear of it
    std::optional<std::chrono::seconds> retry_after;
    std::optional<Timing::Duration> pause = {};  // instead of what grows with each failure
  };

  // reflector.cpp
  Awaitable<Result<Answer>> get(std::string query);
  Awaitable<Outcome> refused(Answer answer);
  Awaitable<void> wait(Outcome outcome);
  void settle(const Outcome& outcome);
  void established();
  [[nodiscard]] std::string selector() const;
  [[nodiscard]] bool went_back(std::string_view resource_version) const;
  [[nodiscard]] bool list_due() const { return must_list_ || Clock::now() >= next_list_; }
  void remember(const ObjectName& name) { known_[name] = generation_; }
  void contact() { status_.last_contact = Clock::now(); }

  // reflector_list.cpp
  Awaitable<Outcome> list();
  Awaitable<Outcome> list_page(ListReader& reader, std::string continue_token);
  Awaitable<Result<>> read_list(Answer& answer, ListReader& reader);
  Awaitable<Outcome> ask_version();
  Outcome finish_list(const ListReader& reader);
  void drop_vanished();
  [[nodiscard]] std::string list_query(const std::string& continue_token) const;

  // reflector_watch.cpp
  Awaitable<Outcome> watch();
  Awaitable<Outcome> read_watch(Answer answer, WatchReader& reader, Clock::time_point end);
  Outcome watch_broke(Error error);
  Outcome watch_ended(Clock::time_point began, const std::string& version_before);
  [[nodiscard]] std::string watch_query(Timing::Duration lasting) const;

  ApiClient& client_;
  Collection collection_;
  Timing timing_;
  ReflectorSink& sink_;
  Backoff backoff_;
  ResourceStatus& status_;
  From from_ = From::kCache;
  bool unpaged_ = false;  // the next list is asked for in one piece, because pages expire faster
                          // than we read them
  bool must_list_ = true;
  bool distrusted_ =
      false;               // it last said what cannot be; an answer alone does not make up for that
  bool doubtful_ = false;  // it may be another server, or an older state, than the one that we know
  Clock::time_point next_list_{};
  std::string resource_version_;
  std::uint32_t generation_ = 0;               // counts lists
  std::map<ObjectName, std::uint32_t> known_;  // what exists, and the list that said so last
};

}  // namespace fairlead::client
