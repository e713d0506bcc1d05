// Any order of events and any bytes, from a peer that may first have been well-behaved: never two
// sessions at once, no word on a transport that is closed, always a way on.
//
// Input: a byte for the configuration, then commands: what happens in its low bits, which transport
// in its high ones, and what the command needs.
#include <algorithm>
#include <set>

#include "dataplane/bgp/reader.hpp"
#include "dataplane/bgp/session.hpp"
#include "tests/fuzz/bgp/properties.hpp"

namespace fairlead::bgp::fuzz {
namespace {

constexpr AsNumber kOurs{65001};
constexpr AsNumber kPeers{65002};

PeerConfig config_from(std::uint8_t bits) {
  PeerConfig config{.own_as = kOurs,
                    .router_id = {(bits & 1) != 0 ? 1U : 3U},
                    .peer_as = kPeers,
                    .passive = (bits & 2) != 0,
                    .families = {.ipv4 = true, .ipv6 = (bits & 4) != 0}};
  if ((bits & 8) != 0) config.graceful_restart = RestartConfig{};
  if ((bits & 16) != 0) config.hold_time = std::chrono::seconds(0);
  return config;
}

/// A session, the world around it, and what was promised so far.
class World {
 public:
  explicit World(std::uint8_t bits) : session_(config_from(bits), bits) {
    session_.start(now_, out_);
    settle();
  }

  void play(Reader& input) {
    const auto command = input.u8();
    if (!command) return;
    const TransportId transport = pick(*command >> 4);
    happen(*command & 0x0f, transport, input);
    settle();
  }

 private:
  TransportId pick(unsigned which) const {
    if (open_.empty()) return {which};
    return *std::next(open_.begin(), static_cast<std::ptrdiff_t>(which % open_.size()));
  }

  void happen(unsigned what, TransportId transport, Reader& input) {
    switch (what) {
      case 0:
        return session_.start(now_, out_);
      case 1:
        return session_.stop(now_, out_);
      case 2:
        return session_.abandon(now_, out_);
      case 3:
        return session_.reset({6, input.u8().value_or(0), {}}, now_, out_);
      case 4:
        return session_.connected(transport, now_, out_);
      case 5:
        open_.erase(transport);
        return session_.closed(transport, now_, out_);
      case 6:
        open_.insert(session_.accepted(now_, out_));
        return;
      case 7:
        return session_.sending_blocked(transport, input.u8().value_or(0) % 2 == 0, now_);
      case 8:
        now_ += std::chrono::seconds(input.u8().value_or(1));
        return session_.timers_due(now_, out_);
      case 9:
        session_.request_refresh(Family::kIpv4, out_);
        return;
      case 10:
        return hear(transport, peers_open());
      case 11:
        return hear(transport, framed(MessageType::kKeepalive, {}));
      default:
        return hear_any(what, transport, input);
    }
  }

  /// A body of some type, or bytes without a header.
  void hear_any(unsigned what, TransportId transport, Reader& input) {
    const auto bytes =
        input.bytes(std::min<std::size_t>(input.u8().value_or(0), input.remaining()));
    const ByteView body = bytes.value_or(ByteView{});
    if (what == 12) return hear(transport, Bytes(body.begin(), body.end()));
    const auto type = what == 13   ? MessageType::kUpdate
                      : what == 14 ? MessageType::kOpen
                                   : static_cast<MessageType>(1 + body.size() % 5);
    hear(transport, framed(type, body));
  }
  void hear(TransportId transport, const Bytes& bytes) {
    session_.received(transport, bytes, now_, out_);
  }

  static Bytes peers_open() {
    auto config = config_from(0x0e);
    std::swap(config.own_as, config.peer_as);
    config.router_id = {2};
    Bytes bytes;
    encode(own_open(config), bytes);
    return bytes;
  }

  void settle() {
    for (const Action& action : out_) check_action(action);
    out_.clear();
    require((session_.agreed() != nullptr) == is_up_, "up is what was said");
    require(session_.transports() == open_.size(), "each transport is closed once");
    require(session_.transports() <= 3, "few transports");
    if (!session_.next_timer()) return;
    Actions none;
    const auto before = session_.state();
    if (*session_.next_timer() <= now_) return;
    session_.timers_due(now_, none);
    require(none.empty() && session_.state() == before, "nothing is done before its time");
  }
  void check_action(const Action& action) {
    if (const auto* connect = std::get_if<Connect>(&action))
      require(open_.insert(connect->transport).second, "a new transport");
    if (const auto* close = std::get_if<Close>(&action))
      require(open_.erase(close->transport) == 1, "closes what is open");
    if (const auto* send = std::get_if<Send>(&action)) {
      require(open_.contains(send->transport), "sends on what is open");
      require(decode(send->bytes, {}).has_value(), "what we send decodes");
    }
    if (std::holds_alternative<SessionUp>(action)) {
      require(!is_up_, "one session at a time");
      is_up_ = true;
    }
    if (std::holds_alternative<SessionDown>(action)) {
      require(is_up_, "an end has a begin");
      is_up_ = false;
    }
    const bool is_news = std::holds_alternative<UpdateReceived>(action) ||
                         std::holds_alternative<EndOfRib>(action) ||
                         std::holds_alternative<RefreshReceived>(action);
    require(!is_news || is_up_, "routes come within a session");
  }

  Session session_;
  TimePoint now_{};
  Actions out_;
  std::set<TransportId> open_;
  bool is_up_ = false;
};

}  // namespace
}  // namespace fairlead::bgp::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fairlead::bgp;
  if (size == 0) return 0;
  fuzz::World world(data[0]);
  Reader input(ByteView(data, size).subspan(1));
  while (!input.empty()) world.play(input);
  return 0;
}
