// The Secrets that peers' passwords are in, fetched by name: the agent may read these and no
// others.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "controlplane-client/api_client.hpp"
#include "log/log.hpp"
#include "model/bgp_objects.hpp"
#include "model/object.hpp"

namespace fairlead::bgp {

class Passwords {
 public:
  /// `changed`: a value is another, is there or is gone; or all are known for the first time.
  Passwords(boost::asio::io_context& io, std::unique_ptr<client::ApiClient> api,
            std::chrono::milliseconds period, std::function<void()> changed, log::Logger log);

  /// Those that are needed now; what is new is fetched at once, all again each period.
  void want(std::set<ObjectName> secrets);
  /// Values by key; of Secrets that do not exist, none. Never to be logged.
  [[nodiscard]] const std::map<SecretKey, std::string>& values() const { return values_; }
  /// Each wanted one was asked for and answered, or is known not to be readable.
  [[nodiscard]] bool is_complete() const;

  boost::asio::awaitable<void> run();
  void stop();

 private:
  boost::asio::awaitable<bool> fetch(ObjectName name);
  bool replace(const ObjectName& name, std::map<SecretKey, std::string> values);

  std::unique_ptr<client::ApiClient> api_;
  std::chrono::milliseconds period_;
  std::function<void()> changed_;
  log::Logger log_;
  boost::asio::steady_timer timer_;
  std::set<ObjectName> wanted_, answered_;
  std::map<ObjectName, std::string> errors_;  // told already
  std::map<SecretKey, std::string> values_;
  bool stopped_ = false;
};

}  // namespace fairlead::bgp
