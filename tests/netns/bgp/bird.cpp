// bird in the foreground, birdc for questions.
#include "tests/netns/bgp/bird.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace fairlead::test {

namespace {
constexpr const char* kBird = "/usr/sbin/bird";
}

Bird::Bird(const Namespace& where, const Folder& folder, const std::string& configuration)
    : where_(where),
      config_(folder / "bird.conf"),
      socket_(folder / "bird.ctl"),
      log_(folder / "bird.log") {
  std::ofstream(config_) << "log stderr all;\nrouter id 10.60.0.2;\nprotocol device {}\n"
                         << configuration;
}

bool Bird::is_installed() { return std::filesystem::exists(kBird); }

void Bird::start(const std::vector<std::string>& options) {
  std::vector<std::string> arguments{kBird, "-f", "-c", config_, "-s", socket_};
  arguments.insert(arguments.end(), options.begin(), options.end());
  process_ = std::make_unique<Process>(where_.name(), arguments, log_);
  eventually("show status", "BIRD 2");
}

void Bird::configure(const std::string& configuration) {
  std::ofstream(config_) << "log stderr all;\nrouter id 10.60.0.2;\nprotocol device {}\n"
                         << configuration;
  EXPECT_NE(ask("configure").find("Reconfigur"), std::string::npos);
}

std::string Bird::ask(const std::string& command) const {
  return where_.output_of("birdc -s " + socket_ + ' ' + command + " 2>&1");
}

void Bird::eventually(const std::string& command, const std::string& text) const {
  std::string answer;
  test::eventually(command + " has " + text, [&] {
    answer = ask(command);
    return answer.find(text) != std::string::npos;
  });
  if (testing::Test::HasFailure()) std::cerr << answer << '\n';
}

void Bird::eventually_not(const std::string& command, const std::string& text) const {
  test::eventually(command + " has no " + text,
                   [&] { return ask(command).find(text) == std::string::npos; });
}

}  // namespace fairlead::test
