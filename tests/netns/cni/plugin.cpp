#include "tests/netns/cni/plugin.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <vector>

namespace fairlead::test {
namespace {

std::string plugin_path() {
  const auto self = std::filesystem::read_symlink("/proc/self/exe");  // bin/tests/netns/cni
  return self.parent_path().parent_path().parent_path() / "fairlead-cni";
}

/// Standard input that ends.
int file_of(const std::string& text) {
  const int file = ::memfd_create("config", MFD_CLOEXEC);
  EXPECT_EQ(::write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::lseek(file, 0, SEEK_SET);
  return file;
}

}  // namespace

boost::json::object PluginResult::json() const {
  boost::system::error_code error;
  const auto value = boost::json::parse(output, error);
  EXPECT_FALSE(error) << output;
  return value.is_object() ? value.get_object() : boost::json::object();
}

int PluginResult::code() const {
  if (output.empty()) return 0;
  const auto object = json();
  return object.contains("code") ? object.at("code").to_number<int>() : 0;
}

Plugin::Plugin(const Environment& environment, const std::optional<std::string>& config,
               std::string path) {
  if (path.empty()) path = plugin_path();
  std::vector<std::string> texts;
  for (const auto& [name, value] : environment) texts.push_back(name + "=" + value);
  std::vector<char*> variables;
  for (auto& text : texts) variables.push_back(text.data());
  variables.push_back(nullptr);
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const int input = config ? file_of(*config) : -1;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (config) {
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  } else {
    ::posix_spawn_file_actions_addclose(&actions, STDIN_FILENO);
  }
  ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  std::array<char*, 2> arguments = {path.data(), nullptr};
  EXPECT_EQ(
      ::posix_spawn(&pid_, path.c_str(), &actions, nullptr, arguments.data(), variables.data()), 0)
      << path;
  ::posix_spawn_file_actions_destroy(&actions);
  if (input >= 0) ::close(input);
  ::close(pipe[1]);
  output_ = pipe[0];
}

Plugin::~Plugin() {
  if (pid_ > 0) {
    kill();
    wait();
  }
}

void Plugin::kill() { ::kill(pid_, SIGKILL); }

PluginResult Plugin::wait() {
  PluginResult result;
  std::array<char, 4096> buffer{};
  ssize_t got = 0;
  while ((got = ::read(output_, buffer.data(), buffer.size())) > 0) {
    result.output.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(output_);
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  if (WIFEXITED(status)) result.exit = WEXITSTATUS(status);
  return result;
}

PluginResult run_plugin(const Plugin::Environment& environment,
                        const std::optional<std::string>& config) {
  return Plugin(environment, config).wait();
}

}  // namespace fairlead::test
