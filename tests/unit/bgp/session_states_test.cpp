// Every event in every state: what is to be done, all of it, in order.
#include "tests/unit/bgp/session_driver.hpp"

namespace fairlead::bgp {
namespace {

using namespace driven;

enum class At { kIdle, kConnect, kOpenSent, kOpenConfirm, kEstablished };
constexpr std::array kAll{At::kIdle, At::kConnect, At::kOpenSent, At::kOpenConfirm,
                          At::kEstablished};
constexpr TransportId kFirst{1};

void bring(Driver& driver, At state) {
  if (state == At::kConnect) driver.to_connect();
  if (state == At::kOpenSent) driver.to_open_sent();
  if (state == At::kOpenConfirm) driver.to_open_confirm();
  if (state == At::kEstablished) driver.to_established();
  driver.out.clear();
}

using Event = void (*)(Driver&);
void hear_keepalive(Driver& d) { d.session.received(kFirst, bytes_of(Keepalive{}), d.now, d.out); }

/// One event, and what it causes in each state, in the order of kAll.
struct Row {
  const char* name;
  Event event;
  std::array<Words, kAll.size()> expected;
};

std::string unexpected_in(const char* state) {
  return std::string("Finite State Machine Error / Unexpected Message in ") + state;
}
Words refused_with(const std::string& error, const char* how = "failed: sent ") {
  return {"send 1 " + error, "close 1", how + error};
}

const Words kNothing{};
const std::string kShutdown = "Cease / Administrative Shutdown";

std::vector<Row> rows() {
  const Words in_sent = refused_with(unexpected_in("OpenSent"));
  const Words in_confirm = refused_with(unexpected_in("OpenConfirm"));
  const Words in_session = refused_with(unexpected_in("Established"), "down: sent ");
  const Words lost{"failed: transport lost"};
  const Words told{"close 1", "failed: received " + kShutdown};
  const Words another{"send 2 OPEN"};
  return {
      {"start",
       [](Driver& d) { d.session.start(d.now, d.out); },
       {Words{"connect 1"}, kNothing, kNothing, kNothing, kNothing}},
      {"stop",
       [](Driver& d) { d.session.stop(d.now, d.out); },
       {kNothing, Words{"close 1"}, refused_with(kShutdown), refused_with(kShutdown),
        refused_with(kShutdown, "down: sent ")}},
      {"abandon",
       [](Driver& d) { d.session.abandon(d.now, d.out); },
       {kNothing, Words{"close 1"}, Words{"close 1"}, Words{"close 1"},
        Words{"close 1", "down: abandoned"}}},
      {"connected",
       [](Driver& d) { d.session.connected(kFirst, d.now, d.out); },
       {kNothing, Words{"send 1 OPEN"}, kNothing, kNothing, kNothing}},
      {"connect failed",
       [](Driver& d) { d.session.connect_failed(kFirst, d.now, d.out); },
       {kNothing, Words{"failed: connect failed"}, kNothing, kNothing, kNothing}},
      {"closed",
       [](Driver& d) { d.session.closed(kFirst, d.now, d.out); },
       {kNothing, lost, lost, lost, Words{"down: transport lost"}}},
      {"accepted",
       [](Driver& d) { d.session.accepted(d.now, d.out); },
       {Words{"send 1 Cease / Connection Rejected", "close 1"}, another, another, another,
        Words{"send 1 KEEPALIVE", "send 2 OPEN"}}},
      {"open",
       [](Driver& d) { d.session.received(kFirst, bytes_of(open_of_peer()), d.now, d.out); },
       {kNothing, kNothing, Words{"send 1 KEEPALIVE"}, in_confirm, in_session}},
      {"keepalive", hear_keepalive, {kNothing, kNothing, in_sent, Words{"up 1"}, kNothing}},
      {"update",
       [](Driver& d) {
         d.session.received(kFirst, wire::update(wire::kWithdrawn, {}, {}), d.now, d.out);
       },
       {kNothing, kNothing, in_sent, in_confirm, Words{"update"}}},
      {"end of rib",
       [](Driver& d) { d.session.received(kFirst, wire::update({}, {}, {}), d.now, d.out); },
       {kNothing, kNothing, in_sent, in_confirm, Words{"end of rib"}}},
      {"refresh",
       [](Driver& d) {
         d.session.received(kFirst, bytes_of(RouteRefresh{.family = Family::kIpv4}), d.now, d.out);
       },
       {kNothing, kNothing, in_sent, in_confirm, Words{"refresh 0"}}},
      {"notification",
       [](Driver& d) { d.session.received(kFirst, bytes_of(cease_notification(2)), d.now, d.out); },
       {kNothing, kNothing, told, told, Words{"close 1", "down: received " + kShutdown}}},
      {"timers, nothing due",
       [](Driver& d) { d.session.timers_due(d.now, d.out); },
       {kNothing, kNothing, kNothing, kNothing, kNothing}},
      {"an unknown transport",
       [](Driver& d) { d.session.closed({99}, d.now, d.out); },
       {kNothing, kNothing, kNothing, kNothing, kNothing}},
  };
}

TEST(SessionStates, EachEventInEachStateDoesOneThing) {
  for (const Row& row : rows())
    for (std::size_t state = 0; state < kAll.size(); ++state) {
      Driver driver;
      bring(driver, kAll[state]);
      row.event(driver);
      EXPECT_EQ(driver.words(), row.expected[state]) << row.name << " in state " << state;
    }
}

/// Whatever NOTIFICATION comes, nothing is answered, and the session comes back by itself.
TEST(SessionStates, EveryNotificationEndsTheConnectionWithoutAnAnswer) {
  for (const At state : {At::kOpenSent, At::kOpenConfirm, At::kEstablished})
    for (int code = 0; code < 256; ++code)
      for (const int subcode : {0, 1, 2, 7, 9, 255}) {
        Driver driver;
        bring(driver, state);
        const Notification said{
            static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(subcode), {}};
        const Words words = driver.hear(kFirst, said);
        ASSERT_EQ(words.front(), "close 1") << describe(said);
        const bool is_collision = code == 6 && subcode == 7 && state != At::kEstablished;
        ASSERT_EQ(words.size(), is_collision ? 1U : 2U) << describe(said);
        EXPECT_EQ(driver.live_through(seconds(6)).front(), "connect 2") << describe(said);
      }
}

/// The peer's side of a session, cut after each of its bytes: by a reset, or by silence.
TEST(SessionStates, ATransportMayBeLostAfterEachByte) {
  const Bytes stream = wire::joined({bytes_of(open_of_peer()), bytes_of(Keepalive{}),
                                     wire::update(wire::kWithdrawn, {}, {}), bytes_of(Keepalive{}),
                                     bytes_of(cease_notification(4, "later"))});
  for (std::size_t size = 0; size < stream.size(); ++size)
    for (const bool is_reset : {false, true}) {
      Driver driver;
      driver.to_open_sent();
      for (std::size_t at = 0; at < size; ++at) driver.hear_bytes(kFirst, {stream[at]});
      const bool was_up = driver.session.state() == SessionState::kEstablished;
      if (is_reset) driver.session.closed(kFirst, driver.now, driver.out);
      const Words words = is_reset ? driver.words() : driver.live_through(seconds(241));
      const auto downs = std::ranges::count_if(
          words, [](const std::string& word) { return word.starts_with("down"); });
      EXPECT_EQ(downs, was_up ? 1 : 0) << "after " << size;
      EXPECT_EQ(driver.session.agreed(), nullptr);
    }
}

}  // namespace
}  // namespace fairlead::bgp
