// ICMP errors about translated packets reach who sent them, in words that he understands.
#include "tests/bpf/packets/fixture.hpp"

namespace fairlead::test {
namespace {

class IcmpTest : public PathTest {
 protected:
  struct Kind {
    std::uint8_t type, code;
    std::uint32_t mtu;
  };
  [[nodiscard]] std::vector<Kind> kinds() const {
    // Port unreachable, too big, time exceeded, parameter problem.
    if (is_v6()) return {{1, 4, 0}, {2, 0, 1400}, {3, 0, 0}, {4, 1, 40}};
    return {{3, 3, 0}, {3, 4, 1400}, {11, 0, 0}, {12, 0, 0x14000000}};
  }
  /// All of the packet, or as little as RFC 792 asks for.
  [[nodiscard]] std::vector<std::size_t> lengths() const {
    return {is_v6() ? 48U : 28U, is_v6() ? 61U : 41U, 1000U};
  }

  [[nodiscard]] Outcome arrive_error(const IcmpError& error,
                                     std::uint32_t interface = kEth0) const {
    return node().arrive(bytes_of(error), interface == kEth0 ? GetParam().ingress : Ingress::kTc,
                         interface);
  }
  static void expect_error(const Outcome& outcome, const IcmpError& expected) {
    EXPECT_TRUE(outcome.fate == Fate::kRedirected || outcome.fate == Fate::kSentBack)
        << to_string(outcome.fate);
    EXPECT_EQ(hex(outcome.frame), hex(bytes_of(expected)));
  }

  /// For each kind of error and length of quote: what says `about` arrives from `from`, and leaves
  /// as what says `translated` from `new_from`.
  void expect_translated(const Packet& about, const Ip& from, const Packet& translated,
                         const Ip& new_from, Mac to_mac) {
    for (const Kind& kind : kinds())
      for (const std::size_t length : lengths()) {
        IcmpError error{.from_mac = kOtherMac,
                        .to_mac = kEth0Mac,
                        .from = from,
                        .to = about.from.ip,
                        .type = kind.type,
                        .code = kind.code,
                        .mtu = kind.mtu,
                        .quote = quote_of(bytes_of(about), length)};
        const Outcome outcome = arrive_error(error);
        error.from_mac = kEth0Mac;
        error.to_mac = to_mac;
        error.from = new_from;
        error.to = translated.from.ip;
        error.hops = 63;
        error.quote = quote_of(bytes_of(translated), length);
        expect_error(outcome, error);
      }
  }
};
FAIRLEAD_ALL_PATHS(IcmpTest);

TEST_P(IcmpTest, ErrorOfTheBackendReachesTheClient) {
  publish_external();
  const Packet sent = from_client(external()).with_payload("some data");
  const Packet forwarded = expect_masqueraded(sent);
  expect_translated(forwarded, remote().ip, sent.with_hops(63), external().ip, kRouterMac);
}

TEST_P(IcmpTest, ErrorOfARouterBeforeTheBackendReachesTheClientFromThatRouter) {
  publish_external();
  const Packet sent = from_client(external()).with_payload("some data");
  const Packet forwarded = expect_masqueraded(sent);
  expect_translated(forwarded, world.other_node, sent.with_hops(63), world.other_node, kRouterMac);
}

TEST_P(IcmpTest, ErrorOfTheClientReachesTheBackend) {
  publish_external();
  const Packet sent = from_client(external());
  const Packet forwarded = expect_masqueraded(sent);
  const Packet reply = answer_of(forwarded);
  const Packet translated = to_client(reply, external(), sent.from);
  expect_redirected(arrive(reply), translated);
  expect_translated(translated, world.client, reply.with_hops(63), world.node, kOtherMac);
}

TEST_P(IcmpTest, ErrorOfARouterBeforeTheClientReachesTheBackend) {
  publish_external();
  const Packet sent = from_client(external());
  const Packet forwarded = expect_masqueraded(sent);
  const Packet reply = answer_of(forwarded);
  const Packet translated = to_client(reply, external(), sent.from);
  expect_redirected(arrive(reply), translated);
  const Ip router = is_v6() ? "fd01::fe"_ip : "192.168.1.254"_ip;
  expect_translated(translated, router, reply.with_hops(63), router, kOtherMac);
}

TEST_P(IcmpTest, ErrorOfALocalPodReachesTheClient) {
  const auto block = tables().add(service_with({}, {local()}));
  tables().publish(external(), protocol(), block, all_scopes(FL_VERDICT_LOCAL));
  const Packet sent = from_client(external());
  expect_at_local_pod(sent, local());
  IcmpError error{.from_mac = kPodMac,
                  .to_mac = kPod0Mac,
                  .from = world.local_pod,
                  .to = world.client,
                  .type = kinds()[0].type,
                  .code = kinds()[0].code,
                  .quote = quote_of(bytes_of(to_local_pod(sent, sent.from, local())))};
  const Outcome outcome = arrive_error(error, kPod0);
  error.from_mac = kEth0Mac;
  error.to_mac = kRouterMac;
  error.from = external().ip;
  error.hops = 63;
  error.quote = quote_of(bytes_of(sent.with_hops(63).with_macs(kPod0Mac, kPodMac)));
  expect_error(outcome, error);
}

TEST_P(IcmpTest, ErrorOfTheNodeItselfReachesTheClientAsTheFrontend) {
  const Endpoint own{world.node, 6443};
  tables().publish(external(), protocol(), tables().add(service_with({}, {own})), {});
  const Packet sent = from_client(external());
  expect_passed_untouched(arrive(sent), sent.with_to(own));
  IcmpError error{.from_mac = kEth0Mac,
                  .to_mac = kRouterMac,
                  .from = world.node,
                  .to = world.client,
                  .type = kinds()[0].type,
                  .code = kinds()[0].code,
                  .quote = quote_of(bytes_of(sent.with_to(own)))};
  const Outcome outcome = node().leave(bytes_of(error), kEth0);
  EXPECT_EQ(outcome.fate, Fate::kPassed);
  error.from = external().ip;
  error.quote = quote_of(bytes_of(sent));
  EXPECT_EQ(hex(outcome.frame), hex(bytes_of(error)));
}

TEST_P(IcmpTest, ErrorsAboutOthersPacketsAreUntouched) {
  publish_external();
  const Packet sent = from_client(external());
  const Packet forwarded = expect_masqueraded(sent);
  IcmpError error{.from_mac = kOtherMac,
                  .to_mac = kEth0Mac,
                  .from = remote().ip,
                  .to = world.node,
                  .type = kinds()[0].type,
                  .code = kinds()[0].code,
                  .quote = quote_of(bytes_of(forwarded))};
  const auto expect_untouched = [&] {
    const Outcome outcome = arrive_error(error);
    EXPECT_EQ(outcome.fate, Fate::kPassed);
    EXPECT_EQ(hex(outcome.frame), hex(bytes_of(error)));
  };
  // Another port; sent to somebody who did not send the packet within; no error at all; cut off.
  error.quote = quote_of(bytes_of(forwarded.with_from({world.node, 555})));
  expect_untouched();
  error.quote = quote_of(bytes_of(forwarded));
  error.to = world.other_node;
  expect_untouched();
  error.to = world.node;
  error.type = is_v6() ? 128 : 8;
  expect_untouched();
  error.type = kinds()[0].type;
  error.quote = quote_of(bytes_of(forwarded), is_v6() ? 43 : 23);
  expect_untouched();
}

}  // namespace
}  // namespace fairlead::test
