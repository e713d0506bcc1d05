// A runtime directory and a state directory of their own, a pod's namespace, and, where a test
// starts it, an agent's CNI server with the fake network behind it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "agent/cni_server.hpp"
#include "tests/netns/cluster/namespaces.hpp"
#include "tests/netns/cni/fake_attachments.hpp"
#include "tests/netns/cni/plugin.hpp"

namespace fairlead::test {

class CniTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  void start_agent(std::chrono::seconds read_timeout = std::chrono::minutes(10));
  void stop_agent();

  /// A configuration with `more` members: `"key": …`, without the braces.
  [[nodiscard]] std::string config(const std::string& more = "",
                                   const std::string& version = "1.1.0") const;
  [[nodiscard]] Plugin::Environment environment(const std::string& command,
                                                const std::string& container = "c1") const;
  PluginResult call(const std::string& command, const std::string& container = "c1",
                    const std::string& more = "", const std::string& version = "1.1.0");

  [[nodiscard]] std::string socket_path() const { return directory_ + "/run/cni.sock"; }
  [[nodiscard]] std::string state_directory() const { return directory_ + "/state"; }
  /// The files in the deletions directory.
  [[nodiscard]] std::vector<std::string> notes() const;
  /// Waits for what another thread or process does.
  static void eventually(const std::function<bool()>& is_true);

  std::string directory_;
  std::optional<Namespace> pod_;
  FakeAttachments attachments_;
  std::vector<std::string> events_;  // of the hooks; looked at when the agent is stopped
  std::vector<std::string> errors_;

 private:
  boost::asio::io_context io_;
  std::unique_ptr<CniServer> server_;
  std::thread thread_;
};

}  // namespace fairlead::test
