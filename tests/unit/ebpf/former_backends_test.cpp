// UDP backends that another generation led to, and that serve no more.
#include "dataplane/ebpf/former_backends.hpp"

#include <gmock/gmock.h>

#include "dataplane/ebpf/compile.hpp"
#include "tests/steps/steps.hpp"

namespace fairlead::ebpf {
namespace {

Ip ip(std::uint8_t network, std::uint32_t number) {
  return ip_from_v4({network, static_cast<std::uint8_t>(number >> 16),
                     static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)});
}
FlowTarget frontend(std::uint32_t number) { return {Protocol::kUdp, ip(11, number), {53}}; }
fl_dead_key backend(std::uint32_t number) {
  fl_dead_key key{};
  key.address = address_of(ip(10, number));
  key.port = port_of(Port{53});
  key.protocol = static_cast<__u8>(Protocol::kUdp);
  return key;
}
std::vector<Ip> addresses_of(const std::vector<fl_dead_key>& backends) {
  std::vector<Ip> addresses;
  for (const fl_dead_key& key : backends) addresses.push_back(ip_of(key.address));
  return addresses;
}
/// Frontend i led to backends 2i and 2i + 1.
FormerBackends led_by(std::uint32_t frontends) {
  std::vector<FormerBackends::Backend> backends;
  for (std::uint32_t i = frontends; i-- > 0;)
    for (const std::uint32_t of : {2 * i, 2 * i + 1})
      backends.emplace_back(frontend(i), backend(of));
  return FormerBackends(std::move(backends));
}

TEST(FormerBackends, ThatNobodyServesAreFoundAtAStart) {
  UdpServing serving{.targets = {{frontend(0), {ip(10, 0)}}, {frontend(1), {ip(10, 2), ip(10, 3)}}},
                     .is_backend = [](const fl_dead_key& key) {
                       return EqualBytes<fl_dead_key>{}(key, backend(5));
                     }};
  Effects effects{.targets = serving.targets, .dead = {}};
  led_by(3).append_unserved(serving, effects);
  EXPECT_THAT(addresses_of(effects.dead), testing::ElementsAre(ip(10, 1), ip(10, 4)))
      << "another Service leads to 5";
  ASSERT_TRUE(effects.targets.contains(frontend(2))) << "it is no frontend any more";
  EXPECT_THAT(effects.targets.at(frontend(2)), testing::IsEmpty());
}

TEST(FormerBackends, OfAChangedFrontendAloneAreAskedFor) {
  const FlowTargets changed{{frontend(1), {ip(10, 3)}}, {frontend(7), {}}};
  std::vector<fl_dead_key> asked;
  std::vector<fl_dead_key> dead;
  led_by(3).append_unserved_of(
      changed,
      [&](const fl_dead_key& key) {
        asked.push_back(key);
        return false;
      },
      dead);
  EXPECT_THAT(addresses_of(asked), testing::ElementsAre(ip(10, 2)));
  EXPECT_THAT(addresses_of(dead), testing::ElementsAre(ip(10, 2)));
}

TEST(FormerBackends, AreHardlyMoreWorkOfAHundredThousandFrontendsThanOfTen) {
  const FlowTargets changed{{frontend(5), {}}};
  const auto steps = test::steps_of([&](const test::CountSteps& count) {
    for (const std::uint32_t frontends : {10U, 100'000U}) {
      const FormerBackends former = led_by(frontends);
      std::vector<fl_dead_key> dead;
      count([&] {
        former.append_unserved_of(
            changed, [](const auto&) { return false; }, dead);
      });
      EXPECT_EQ(dead.size(), 2U);
    }
  });
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_LT(steps[1], steps[0] * 8) << "a logarithm of it";
}

}  // namespace
}  // namespace fairlead::ebpf
