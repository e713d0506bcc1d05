// A Reflector, and what it has told us so far.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "controlplane-client/reflector.hpp"
#include "loop.hpp"

namespace fairlead::client::test {

inline ClientConfig config_for(const std::string& url) {
  ClientConfig config;
  config.origin = "test";
  config.server = url;
  return config;
}

inline Awaitable<Result<std::string>> known_path(std::string path) { co_return path; }

class Mirror : public ReflectorSink {
 public:
  Mirror(boost::asio::io_context& io, const ClientConfig& config, const Timing& timing = quick(),
         std::uint64_t seed = 1)
      : io_(io) {
    auto created = ApiClient::create(config, timing, "test");
    if (!created) throw std::runtime_error(created.error().doing);
    client_ = *std::move(created);
    Collection collection;
    collection.path = [] { return known_path("/api/v1/services"); };
    collection.path_not_found = [this] { ++paths_not_found; };
    collection.label_selector = "!a/b,!c";
    reflector_.emplace(*client_, std::move(collection), timing, seed, *this, status);
    boost::asio::co_spawn(io, reflector_->run(),
                          boost::asio::bind_cancellation_slot(
                              cancel_.slot(), [this](std::exception_ptr) { ended_ = true; }));
  }
  ~Mirror() override {
    cancel_.emit(boost::asio::cancellation_type::terminal);
    eventually(io_, [this] { return ended_; });
  }
  Mirror(Mirror&&) = delete;

  void upsert(const ObjectName& name, const boost::json::value& object) override {
    objects[name] = boost::json::serialize(object);
  }
  void unusable(const ObjectName& name, std::string_view why) override {
    unusables.push_back(to_string(name) + ' ' + std::string(why));
  }
  void gone(const ObjectName& name) override {
    ++gone_count;
    objects.erase(name);
  }
  void listed() override { ++lists; }
  void failing(const Error& error, bool lasting) override {
    errors.push_back(error.doing);
    lasting_seen |= lasting;
    is_working = false;
  }
  void working() override { is_working = true; }

  ResourceStatus status;
  std::map<ObjectName, std::string> objects;
  std::vector<std::string> unusables, errors;
  unsigned lists = 0, gone_count = 0, paths_not_found = 0;
  bool lasting_seen = false, is_working = false;

 private:
  boost::asio::io_context& io_;
  std::unique_ptr<ApiClient> client_;
  std::optional<Reflector> reflector_;
  boost::asio::cancellation_signal cancel_;
  bool ended_ = false;
};

}  // namespace fairlead::client::test
