// What the agent says and who connects -> peers and table; and how it all ends.
#include "speaker/speaker.hpp"

#include <algorithm>
#include <csignal>

#include "speaker/addresses.hpp"

namespace fairlead::speaker {

namespace asio = boost::asio;
using bgp::control::Leave;
using boost::system::error_code;

Speaker::Speaker(asio::io_context& io, log::Logger log)
    : io_(io),
      log_(std::move(log)),
      signals_(io),
      agent_(io, {.said = [this](auto message) { said(std::move(message)); },
                  .has_room =
                      [this] {
                        if (table_ && !leaving_) feed_.pump(*table_);
                        pump_answers();
                      },
                  .closed = [this] { leave(Leave::How::kRestart); }}),
      feed_(agent_,
            [this](bgp::PeerId id) {
              const Peer* peer = find(id);
              return peer == nullptr ? std::string() : peer->interface();
            }),
      random_(std::random_device{}()),
      bfd_(io, log_, [this](const auto& name, const auto& change) { bfd_changed(name, change); }),
      flush_timer_(io),
      restart_timer_(io) {}

Speaker::~Speaker() {
  peers_by_id_.clear();
  peers_.clear();
}

Result<> Speaker::open(int control, const std::vector<int>& listeners) {
  TRY_VOID(agent_.open(control));
  for (const int socket : listeners) {
    Listener& listener = listeners_.emplace_back(
        io_, log_,
        [this](auto connected, const auto& from) { accepted(std::move(connected), from); });
    if (auto done = listener.open(socket); !done)
      return prefix("descriptor " + std::to_string(socket), std::move(done.error()));
  }
  error_code error;
  for (const int signal : {SIGTERM, SIGINT})
    if (!error) signals_.add(signal, error);
  if (error) return failure(error, "wait for signals");
  return {};
}

void Speaker::start() {
  signals_.async_wait([this](const error_code& error, int) {
    if (!error) leave(Leave::How::kRestart);
  });
  agent_.start();
}

Peer* Speaker::find(bgp::PeerId id) {
  const auto found = peers_by_id_.find(id);
  return found == peers_by_id_.end() ? nullptr : found->second;
}

void Speaker::said(Result<bgp::control::ToSpeaker> message) {
  if (leaving_) return;
  if (!message) {
    log_.error("the agent says what cannot be read", {{"error", message.error()}});
    return;
  }
  std::visit([this](const auto& it) { take(it); }, *message);
}

void Speaker::take(const Settings& settings) {
  const bool same_speaker = table_ && as_whom_ == settings.speaker;
  if (table_ && !same_speaker) end_everything();
  if (!same_speaker) begin(settings);
  remove_peers(settings);
  set_passwords(settings);
  for (const PeerSettings& peer : settings.peers) set_peer(peer);
  set_bfd(settings);
  // Who has connected before there were peers has waited.
  for (Listener& listener : listeners_) listener.start();
  set_routes(settings.routes);
  look_at_restart();
  table_changed();
}

void Speaker::take(const bgp::control::NextHopState& state) {
  if (state.reachable)
    unreachable_.erase(state.address);
  else
    unreachable_.insert(state.address);
  if (!table_) return;
  table_->set_reachable(state.address, state.reachable);
  table_changed();
}

void Speaker::take(const Ask& ask) {
  if (ask.what == Ask::What::kPeers) {
    bgp::control::Answer answer{.id = ask.id};
    for (const auto& [name, peer] : peers_) answer.peers.push_back(status_of(*peer));
    return agent_.say(std::move(answer));
  }
  answers_.emplace_back(ask, table_.get());
  pump_answers();
}

void Speaker::take(const Leave& message) { leave(message.how); }

/// Sockets that have something to say yet keep the context running, for seconds at most.
void Speaker::leave(Leave::How how) {
  if (std::exchange(leaving_, true)) return;
  log_.info("leaving", {{"peers_keep_routes", how == Leave::How::kRestart}});
  for (Listener& listener : listeners_) listener.stop();
  const auto cease = bgp::cease_notification(bgp::cease::kAdministrativeShutdown);
  for (const auto& [name, peer] : peers_) {
    if (how == Leave::How::kRestart)
      peer->abandon();
    else
      peer->stop(cease);
  }
  how == Leave::How::kRestart ? bfd_.abandon() : bfd_.shut_down();
  answers_.clear();
  agent_.stop();
  error_code ignored;
  signals_.cancel(ignored);
  flush_timer_.cancel();
  restart_timer_.cancel();
  if (how == Leave::How::kRestart) io_.stop();
}

/// Everybody else's connection is closed without a word.
void Speaker::accepted(Listener::Socket socket, const asio::ip::tcp::endpoint& from) {
  const Ip address = ip_of(from.address());
  const std::string interface = interface_of(from.address());
  for (const auto& [name, peer] : peers_) {
    const auto& transport = peer->settings().transport;
    if (transport.address != address) continue;
    if (!interface.empty() && !transport.interface.empty() && transport.interface != interface)
      continue;
    return peer->accept(std::move(socket));
  }
  // Each power of two: whoever knocks all day fills no log.
  if (++strangers_; (strangers_ & (strangers_ - 1)) == 0)
    log_.warn("refused a connection from where no peer is",
              {{"address", to_string(address)}, {"so_far", strangers_}});
}

}  // namespace fairlead::speaker
