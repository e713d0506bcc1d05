// Events of sockets and of the clock -> Session -> actions, in order, until there are none.
#include "speaker/peer.hpp"

#include "dataplane/bgp/encode.hpp"
#include "dataplane/bgp/families.hpp"
#include "speaker/tcp_options.hpp"

namespace fairlead::speaker {

namespace asio = boost::asio;
using bgp::TimePoint;
using bgp::TransportId;

namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

/// Beyond that the peer hears nothing more until it has read all.
constexpr std::size_t kMostQueued = 1 << 20;
/// As long as it takes to hear of connections that waited for this process to start.
constexpr std::chrono::milliseconds kConnectDelay{300};

bgp::PeerConfig heard_first(bgp::PeerConfig config) {
  config.connect_delay = kConnectDelay;
  return config;
}

}  // namespace

Peer::Peer(PeerHost host, bgp::control::PeerSettings settings, std::uint64_t seed)
    : host_(std::move(host)),
      settings_(std::move(settings)),
      log_(host_.log.with({{"peer", settings_.name}})),
      id_(host_.table.add_peer(settings_.rules)),
      session_(heard_first(settings_.session), seed),
      timer_(host_.io),
      state_since_(now()) {}

Peer::~Peer() {
  for (const auto& [transport, socket] : sockets_) socket->end();
  host_.table.remove_peer(id_);
}

/// `event` is given the clock and the list for actions.
template <class Event>
void Peer::happen(Event event) {
  const auto self = shared_from_this();
  bgp::Actions actions;
  event(now(), actions);
  execute(actions);
  set_timer();
  if (state_ == session_.state()) return;
  state_ = session_.state();
  state_since_ = now();
  host_.state_changed(id_);
}

void Peer::execute(bgp::Actions& actions) {
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const bgp::Action action = std::move(actions[i]);  // `actions` may grow
    std::visit([&](const auto& it) { act(it, actions); }, action);
  }
}

void Peer::start() {
  happen([this](TimePoint at, bgp::Actions& out) { session_.start(at, out); });
}

void Peer::stop(const bgp::Notification& cease) {
  stopped_ = true;
  happen([&](TimePoint at, bgp::Actions& out) { session_.stop(cease, at, out); });
}

void Peer::abandon() {
  stopped_ = true;
  happen([this](TimePoint at, bgp::Actions& out) { session_.abandon(at, out); });
}

void Peer::bfd_down(bool is_independent) {
  const auto cease = bgp::cease_notification(bgp::cease::kBfdDown);
  happen([&](TimePoint at, bgp::Actions& out) {
    if (session_.agreed() != nullptr) return session_.reset(cease, at, out);
    if (!is_independent) return;
    session_.stop(cease, at, out);  // so that nothing stale is left
    session_.start(at, out);
  });
}

void Peer::change(bgp::control::PeerSettings settings) {
  const bool new_rules = settings.rules != settings_.rules;
  const bool new_next_hop = settings.next_hop != settings_.next_hop;
  settings_ = std::move(settings);
  if (new_rules) host_.table.set_rules(id_, settings_.rules);
  const bgp::Agreed* agreed = session_.agreed();
  if (agreed != nullptr && new_next_hop) host_.table.session_up(id_, established(*agreed));
  if (agreed != nullptr && new_rules)
    happen([this](TimePoint at, bgp::Actions& out) {
      // What the rules refused before is not here.
      bool asked = true;
      for (const Family family : bgp::kFamilies)
        if (session_.agreed()->negotiated.families[family])
          asked = session_.request_refresh(family, out) && asked;
      if (!asked)
        session_.reset(bgp::cease_notification(bgp::cease::kConfigurationChange), at, out);
    });
  host_.table_changed();
}

void Peer::accept(asio::ip::tcp::socket socket) {
  const auto options =
      set_options(socket.native_handle(), settings_.transport, is_internal(settings_.session));
  if (!options) {
    log_.error("cannot take the peer's connection", {{"error", options.error()}});
    return;
  }
  happen([&](TimePoint at, bgp::Actions& out) {
    const TransportId transport = session_.accepted(at, out);
    add_socket(transport).adopt(std::move(socket));
  });
}

void Peer::connected(TransportId transport) {
  happen([&](TimePoint at, bgp::Actions& out) { session_.connected(transport, at, out); });
}

void Peer::connect_failed(TransportId transport, const Error& error) {
  drop_socket(transport);
  failed(error.doing);
  happen([&](TimePoint at, bgp::Actions& out) { session_.connect_failed(transport, at, out); });
}

void Peer::received(TransportId transport, bgp::ByteView bytes) {
  happen([&](TimePoint at, bgp::Actions& out) { session_.received(transport, bytes, at, out); });
}

void Peer::closed(TransportId transport) {
  drop_socket(transport);
  happen([&](TimePoint at, bgp::Actions& out) { session_.closed(transport, at, out); });
}

void Peer::blocked(TransportId transport, bool blocked) {
  session_.sending_blocked(transport, blocked, now());
  set_timer();
}

void Peer::drained(TransportId transport) {
  if (transport != session_transport_) return;
  host_.table.hold(id_, false);
  host_.table_changed();
}

/// In order: changes, End-of-RIB, the end of a repetition.
void Peer::tell(const bgp::PeerChanges& changes) {
  const bgp::Agreed* agreed = session_.agreed();
  const auto socket = session_transport_ ? sockets_.find(*session_transport_) : sockets_.end();
  if (agreed == nullptr || socket == sockets_.end()) return;
  bgp::Bytes bytes;
  for (const Error& error : encode(changes, agreed->negotiated, bytes))
    log_.warn("a route cannot be told", {{"error", error}});
  for (const Family family : bgp::kFamilies)
    if (std::exchange(refreshing_[family], false))
      encode(bgp::RouteRefresh{.family = family, .kind = bgp::RouteRefresh::Kind::kEnd}, bytes);
  socket->second->send(bytes);
  if (socket->second->queued() > kMostQueued) host_.table.hold(id_, true);
}

void Peer::set_timer() {
  if (stopped_) {
    timer_.cancel();
    return;
  }
  const bgp::Deadline next = session_.next_timer();
  // Most deadlines move away before they come: who fires too early looks again.
  if (!next || (armed_ && *armed_ <= *next)) return;
  armed_ = next;
  timer_.expires_at(*next);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (self && !error && !self->stopped_) self->timer_fired();
  });
}

/// What the sockets hold was said in time.
void Peer::timer_fired() {
  armed_.reset();
  const auto next = session_.next_timer();
  if (bgp::is_due(next, now())) {
    const auto sockets = sockets_;
    for (const auto& [transport, socket] : sockets) socket->read_now();
  }
  happen([this](TimePoint at, bgp::Actions& out) { session_.timers_due(at, out); });
}

PeerSocket& Peer::add_socket(TransportId transport) {
  const auto socket = std::make_shared<PeerSocket>(host_.io, transport, *this);
  return *sockets_.emplace(transport, socket).first->second;
}

void Peer::drop_socket(TransportId transport) {
  const auto found = sockets_.find(transport);
  if (found == sockets_.end()) return;
  count(*found->second, counts_);
  found->second->end();
  sockets_.erase(found);
}

}  // namespace fairlead::speaker
