// A hundred thousand prefixes from BIRD, through our speaker, to whoever stands for the agent:
// prints what it takes.
#include <fmt/format.h>

#include <chrono>
#include <fstream>

#include "tests/netns/bgp/world.hpp"

namespace fairlead::test {
namespace {

using namespace bgp::control;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kMany = 100'000;

/// 100.0.0.0/24, 100.0.1.0/24 …
std::string numbered(std::uint32_t number) {
  return fmt::format("{}.{}.{}.0/24", 100 + (number >> 16), number >> 8 & 255, number & 255);
}

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// "VmHWM" of /proc/PID/status, in MiB.
double mebibytes(pid_t pid, const std::string& field) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) / 1024;
  return 0;
}

/// User and system time of a process.
double cpu_milliseconds(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string word;
  for (int i = 0; i < 13; ++i) file >> word;
  double user = 0, system = 0;
  file >> user >> system;
  return (user + system) * 1000 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

TEST_F(BgpWithBird, AHundredThousandPrefixesComeAndGo) {
  std::string routes;
  for (std::uint32_t number = 0; number < kMany; ++number)
    routes += "route " + numbered(number) + " blackhole;\n";
  Bird bird(b, folder, bird_config({}, routes));
  bird.start();
  const auto speaker = start_a();
  auto settings = settings_a({peer_b()});
  settings.peers[0].rules.max_prefixes = 2 * kMany;
  speaker->say(settings);
  speaker->eventually("established", [&] { return speaker->is_established("b"); });
  const pid_t pid = speaker->process().pid();
  const auto begin = Clock::now();
  const double cpu = cpu_milliseconds(pid);
  speaker->eventually("all routes", [&] { return speaker->routes() == kMany + 1; });
  fmt::print(
      "{} prefixes from BIRD to the agent: {:.0f} ms, {:.0f} ms of them the speaker's; "
      "at most {:.1f} MiB\n",
      kMany, milliseconds_since(begin), cpu_milliseconds(pid) - cpu, mebibytes(pid, "VmHWM"));
  const auto one = Clock::now();
  bird.configure(bird_config({}, routes.substr(routes.find('\n') + 1)));
  speaker->eventually("one withdrawn", [&] { return speaker->routes() == kMany; });
  fmt::print("one of them gone, from birdc's answer: {:.1f} ms\n", milliseconds_since(one));
  const auto asked = Clock::now();
  EXPECT_EQ(speaker->ask(Ask::What::kRoutes).routes.size(), kMany + 2);
  fmt::print("an answer with all of them: {:.0f} ms\n", milliseconds_since(asked));
  const auto loss = Clock::now();
  EXPECT_NE(bird.ask("disable a").find("disabled"), std::string::npos);
  speaker->eventually("all gone", [&] { return speaker->routes() == 0; });
  fmt::print(
      "the session's end, until the agent knows: {:.0f} ms; at most {:.1f} MiB, now {:.1f}\n",
      milliseconds_since(loss), mebibytes(pid, "VmHWM"), mebibytes(pid, "VmRSS"));
}

TEST_F(BgpWorld, ASpeakerTellsAnotherAHundredThousandPrefixes) {
  const auto speaker = start_a();
  SpeakerProcess teller(b, folder / "b.log");
  auto settings = settings_a({peer_b()});
  settings.peers[0].rules.max_prefixes = 2 * kMany;
  auto told = settings_b();
  for (std::uint32_t number = 0; number < kMany; ++number)
    told.routes.push_back({.prefix = prefix(numbered(number)), .tag = kTag});
  teller.say(told);
  (void)teller.ask(Ask::What::kPeers);
  const pid_t pid = speaker->process().pid(), other = teller.process().pid();
  const double before = cpu_milliseconds(other);
  speaker->say(settings);
  speaker->eventually("established", [&] { return speaker->is_established("b"); });
  const auto begin = Clock::now();
  speaker->eventually("all routes", [&] { return speaker->routes() == kMany + 2; });
  fmt::print(
      "{} prefixes from a speaker to another's agent: {:.0f} ms, of them {:.0f} ms the "
      "first's and {:.0f} ms the other's; at most {:.1f} MiB and {:.1f} MiB\n",
      kMany, milliseconds_since(begin), cpu_milliseconds(other) - before, cpu_milliseconds(pid),
      mebibytes(other, "VmHWM"), mebibytes(pid, "VmHWM"));
}

}  // namespace
}  // namespace fairlead::test
