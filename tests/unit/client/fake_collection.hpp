// One collection as an API server keeps it: versions, pages, history, watches that wait,
// compaction.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "model/object.hpp"
#include "test_server.hpp"

namespace fairlead::client::test {

class FakeCollection {
 public:
  FakeCollection(boost::asio::io_context& io, std::string kind)
      : changed_(io, boost::asio::steady_timer::time_point::max()), kind_(std::move(kind)) {}

  void set(const ObjectName& name, const std::string& members = R"("spec":{})");
  void remove(const ObjectName& name);
  void compact() { history_.clear(); }
  /// Restored from a backup: the version is an older one, and what was since then never happened.
  void rewind(std::uint64_t version, std::map<ObjectName, std::string> objects);

  /// Answers a list or a watch as a server should.
  Task serve(Exchange& exchange);
  Task list(Exchange& exchange);
  Task watch(Exchange& exchange);
  void end_watches() { ++ended_, changed_.cancel(); }

  [[nodiscard]] const std::map<ObjectName, std::string>& objects() const { return objects_; }
  [[nodiscard]] std::string body(const std::string& continue_token = "",
                                 std::size_t limit = 0) const;
  [[nodiscard]] std::uint64_t version() const { return version_; }

  unsigned lists = 0, watches = 0;
  std::vector<std::string> list_queries, watch_queries;
  /// Changes what a watch sends: a faulty server. Gets one line, returns what is sent in its place.
  std::function<std::string(const std::string& line)> distort;

 private:
  struct Event {
    std::uint64_t version;
    std::string line;
  };
  void record(const std::string& type, const std::string& object);

  boost::asio::steady_timer changed_;  // never expires; cancelled to wake the watches
  std::string kind_;
  std::uint64_t version_ = 100, ended_ = 0;
  std::map<ObjectName, std::string> objects_;  // JSON
  std::deque<Event> history_;
};

/// {"kind":"Status","code":…}
std::string status_text(int code, const std::string& message);

}  // namespace fairlead::client::test
