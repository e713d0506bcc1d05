// Two namespaces with a link: in one our speaker (10.60.0.1, fd60::1, AS 65001), in the other
// whoever is its peer (10.60.0.2, fd60::2, AS 65002).
#pragma once

#include <gtest/gtest.h>

#include "tests/netns/bgp/bird.hpp"
#include "tests/netns/bgp/speaker.hpp"

namespace fairlead::test {

inline constexpr bgp::RouteTag kTag{1};

/// The peer "b" at 10.60.0.2 (or fd60::2), for settings of the speaker at the other end.
bgp::control::PeerSettings peer_b(std::string_view address = "10.60.0.2");
/// AS 65001, these peers, 10.1.0.0/24 and 2001:db8:1::/64 as own routes.
bgp::control::Settings settings_a(std::vector<bgp::control::PeerSettings> peers);
/// The same seen from the other end, for a speaker there: AS 65002, peer "a".
bgp::control::Settings settings_b();

/// BIRD as AS 65002 with 10.101.0.0/24, 10.102.0.0/24 and 2001:db8:101::/64. `options`: more of
/// its session.
std::string bird_config(const std::string& options = {}, const std::string& routes =
                                                             "route 10.101.0.0/24 blackhole; "
                                                             "route 10.102.0.0/24 blackhole;");

class BgpWorld : public testing::Test {
 protected:
  BgpWorld();
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] std::unique_ptr<SpeakerProcess> start_a() {
    return std::make_unique<SpeakerProcess>(a, log_of_a());
  }
  [[nodiscard]] std::string log_of_a() const { return folder / "a.log"; }
  [[nodiscard]] std::string text_of_log() const;

  Folder folder;
  Namespace a{"bgp-a"}, b{"bgp-b"};
};

/// Skipped where BIRD is not installed.
class BgpWithBird : public BgpWorld {
 protected:
  void SetUp() override;
};

}  // namespace fairlead::test
