// The real fairlead-cni, started as a runtime starts it.
#pragma once

#include <sys/types.h>
#include <boost/json.hpp>
#include <map>
#include <optional>
#include <string>

namespace fairlead::test {

struct PluginResult {
  int exit = -1;  // -1: ended by a signal
  std::string output;

  [[nodiscard]] boost::json::object json() const;
  /// Of the error on standard output; 0: none.
  [[nodiscard]] int code() const;
};

class Plugin {
 public:
  using Environment = std::map<std::string, std::string>;

  /// `config` nullopt: standard input is closed.
  /// `path`: another plugin than ours.
  Plugin(const Environment& environment, const std::optional<std::string>& config,
         std::string path = {});
  ~Plugin();
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  PluginResult wait();
  void kill();

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

PluginResult run_plugin(const Plugin::Environment& environment,
                        const std::optional<std::string>& config);

}  // namespace fairlead::test
