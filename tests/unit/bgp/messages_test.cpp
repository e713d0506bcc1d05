// Messages without prefixes: what is encoded decodes to itself, and known bytes are what RFCs say.
#include <gtest/gtest.h>

#include "dataplane/bgp/decode.hpp"
#include "dataplane/bgp/encode.hpp"

namespace fairlead::bgp {
namespace {

using namespace std::chrono_literals;

Open full_open() {
  Open open{.as = AsNumber{4200000001},
            .hold_time = 90s,
            .router_id = RouterId{0x0a000001},
            .capabilities = {}};
  open.capabilities = {.families = {.ipv4 = true, .ipv6 = true},
                       .route_refresh = true,
                       .enhanced_route_refresh = true,
                       .ipv4_over_ipv6 = true,
                       .four_octet_as = true,
                       .graceful_restart = GracefulRestart{.restarting = true,
                                                           .notification = true,
                                                           .time = 120s,
                                                           .families = {true, true},
                                                           .forwarding = {true, false}},
                       .role = Role::kCustomer,
                       .unknown = {}};
  return open;
}

TEST(Messages, AnOpenWithEveryCapabilityComesBackAsItWas) {
  Bytes bytes;
  encode(full_open(), bytes);
  const auto decoded = decode(bytes, {});
  ASSERT_TRUE(decoded) << describe(decoded.error());
  EXPECT_EQ(std::get<Open>(*decoded), full_open());
}

}  // namespace
}  // namespace fairlead::bgp
