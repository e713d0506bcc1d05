// Any bytes on standard input, any environment: a request that the model allows, or an error that
// the specification knows. The numbers are drawn from fixed seeds.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>

#include "cni/message.hpp"
#include "cni/names.hpp"
#include "cni/result.hpp"
#include "tests/unit/cni/support.hpp"

namespace fairlead::cni {
namespace {

constexpr int kRounds = 200'000;

const std::string kConfig = config_of(
    R"("capabilities": {"portMappings": true}, "dns": {"nameservers": ["10.96.0.10"], "search": ["a"]},
    "runtimeConfig": {"portMappings": [{"HostPort": 8089, "containerPort": 80, "Protocol": "udp", "hostIP": "fd00::1"}],
      "bandwidth": {"ingressRate": 10, "ingressBurst": 4294967295}, "mac": "02:00:00:00:00:01", "ips": ["10.0.0.9/8"],
      "ipRanges": [[{"subnet": "10.0.0.0/8"}], [{"subnet": "fd00::/64"}]],
      "io.kubernetes.cri.pod-annotations": {"fairlead.io/ips": "10.0.0.2,fd00::2", "fairlead.io/mac": "02:00:00:00:00:02"}},
    "args": {"cni": {"labels": [{"key": "app", "value": "web"}], "ips": ["10.0.0.3"]}},
    "cni.dev/valid-attachments": [{"containerID": "a", "ifname": "eth0"}],
    "prevResult": {"cniVersion": "1.1.0", "interfaces": [{"name": "eth0", "sandbox": "/run/netns/pod-1"}],
      "ips": [{"address": "10.0.0.9/32", "interface": 0}], "routes": [{"dst": "0.0.0.0/0"}], "dns": {}},
    "runtimeDirectory": "/run/fairlead", "stateDirectory": "/var/lib/fairlead")");

class Source {
 public:
  explicit Source(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::string bytes(std::size_t most) {
    std::string text(below(most), '\0');
    for (char& c : text) c = static_cast<char>(below(256));
    return text;
  }

  /// A few bytes changed, taken away, put in or cut off; pieces of JSON are put in more often than
  /// others, because they lead further.
  std::string mutated(std::string text) {
    static constexpr std::array<std::string_view, 16> kPieces = {
        "null", "[]", "{}", "-1",       "1e300", "\"\"",   "\"\\u0000\"", "18446744073709551616",
        "\"",   "..", "/",  "\xc3\xa4", "\xff",  "[[[[[[", ",",           "\x1b[2J"};
    for (std::size_t i = below(4) + 1; i > 0 && !text.empty(); --i) {
      const std::size_t at = below(text.size());
      switch (below(5)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, below(20) + 1);
          break;
        case 2:
          text.insert(at, kPieces[below(kPieces.size())]);
          break;
        case 3:
          replace_value(text, at);
          break;
        default:
          if (below(8) == 0) text.resize(at);
          break;
      }
    }
    return text;
  }

  Environment environment() {
    static constexpr std::array<const char*, 8> kCommands = {"ADD", "ADD",   "ADD",    "DEL",
                                                             "GC",  "CHECK", "STATUS", "VERSION"};
    Environment made = environment_of(kCommands[below(kCommands.size())]);
    made.args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1;IP=10.0.0.4;X=y";
    for (const Variable& variable : kVariables) {
      if (below(8) == 0) made.*variable.value = mutated(made.*variable.value);
      if (below(40) == 0) made.*variable.value = bytes(300);
      if (below(40) == 0) made.*variable.value = "";
    }
    return made;
  }

 private:
  /// A whole value of the JSON becomes another one: the text stays JSON.
  void replace_value(std::string& text, std::size_t at) {
    static constexpr std::array<std::string_view, 8> kValues = {
        "null", "5", "\"a\"", "[]", "{}", "[5]", "{\"a\": 5}", "-0.5"};
    const std::size_t begin = text.find(": ", at);
    if (begin == std::string::npos) return;
    const std::size_t end = text.find_first_of(",}]", begin);
    if (end != std::string::npos) {
      text.replace(begin + 2, end - begin - 2, kValues[below(kValues.size())]);
    }
  }

  std::mt19937 random_;
};

void expect_sound(const Failure& failure) {
  static const std::set<unsigned> kCodes = {1, 2, 4, 6, 7};
  const auto error = object_of(to_json(failure));
  EXPECT_TRUE(kCodes.contains(static_cast<unsigned>(failure.code))) << to_json(failure);
  EXPECT_EQ(error.at("code").to_number<unsigned>(), static_cast<unsigned>(failure.code));
  EXPECT_TRUE(parse_version(std::string_view(error.at("cniVersion").as_string())));
  EXPECT_FALSE(error.at("msg").as_string().empty());
  EXPECT_LT(to_json(failure).size(), 1500U);
}

void expect_sound(const Request& request) {
  if (request.command == Command::kVersion) return;
  const auto& attachment = request.attachment;
  EXPECT_TRUE(is_name(attachment.key.network, kNetworkBytes));
  if (request.command == Command::kAdd) {
    EXPECT_TRUE(is_name(attachment.key.container, kContainerBytes));
    EXPECT_TRUE(is_interface_name(attachment.key.interface));
    EXPECT_LE(attachment.ips.size(), 2U);
    EXPECT_LE(attachment.ip_ranges.size(), 2U);
    for (const auto& mapping : attachment.port_mappings) EXPECT_NE(mapping.host_port.host, 0);
  }
  for (const auto& valid : request.valid_attachments)
    EXPECT_EQ(valid.network, attachment.key.network);
  EXPECT_TRUE(is_path(request.runtime_directory, 90));
}

/// What is accepted goes on: over the socket as it came, and into a result.
void expect_it_goes_on(const Environment& environment, const std::string& config,
                       const Request& request) {
  if (request.command == Command::kVersion) return;
  const Question question{environment_of(environment, request), config};
  EXPECT_EQ(parse_question(to_json(question)).value(), question);
  EXPECT_TRUE(parse_request(question.environment, config));
  if (request.command == Command::kAdd) {
    const auto result = result_of(attachment(), request);
    EXPECT_EQ(find_difference(result, attachment(), request.attachment.sandbox), std::nullopt);
  }
  if (request.command == Command::kCheck) {
    find_difference(request.previous, attachment(), request.attachment.sandbox);
  }
}

TEST(Fuzz, AnyRequestIsSoundOrRefusedWithACodeOfTheSpecification) {
  std::size_t accepted = 0, refused = 0;
  for (unsigned seed = 0; seed < kRounds; ++seed) {
    Source source(seed);
    const Environment environment = source.environment();
    const std::string config = source.below(20) == 0   ? source.bytes(200)
                               : source.below(10) == 0 ? kConfig
                                                       : source.mutated(kConfig);
    const auto request = parse_request(environment, config);
    version_answer(config);
    if (request) {
      ++accepted;
      expect_sound(*request);
      expect_it_goes_on(environment, config, *request);
    } else {
      ++refused;
      expect_sound(request.error());
    }
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed << ": " << config;
  }
  EXPECT_GT(accepted, kRounds / 10U)
      << "the mutations are too hard to reach what is behind the JSON";
  EXPECT_GT(refused, kRounds / 10U);
}

TEST(Fuzz, AnyMessageIsReadOrRefused) {
  const std::string question = to_json(Question{environment_of("ADD"), kConfig});
  for (unsigned seed = 0; seed < kRounds / 10; ++seed) {
    Source source(seed);
    const std::string text = source.mutated(question);
    if (const auto read = parse_question(text)) {
      const auto request = parse_request(read->environment, read->config);
      if (!request) expect_sound(request.error());
    }
    parse_answer(text);
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed << ": " << text;
  }
}

}  // namespace
}  // namespace fairlead::cni
