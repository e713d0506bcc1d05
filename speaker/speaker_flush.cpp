// The table's changes -> peers and agent, many of them at once; states, answers, and when a restart
// is over.
#include <boost/asio/post.hpp>

#include "speaker/speaker.hpp"

namespace fairlead::speaker {
namespace {

/// Answers are made while no more than this waits for the agent, in bytes.
constexpr std::size_t kMostQueued = 1 << 20;

}  // namespace

/// At once where nothing was flushed just now: one withdrawal need not wait.
void Speaker::table_changed() {
  if (leaving_ || std::exchange(flush_due_, true)) return;
  const auto due = [this](const boost::system::error_code& error) {
    if (!error && !leaving_) flush();
  };
  if (std::chrono::steady_clock::now() >= next_flush_)
    return boost::asio::post(io_, [due] { due({}); });
  flush_timer_.expires_at(next_flush_);
  flush_timer_.async_wait(due);
}

/// A flush is followed by a pause as long as it took: at least half of the time is for reading, and
/// what is read meanwhile goes out together.
void Speaker::flush() {
  flush_due_ = false;
  const auto began = std::chrono::steady_clock::now();
  look_at_restart();
  const bgp::TableChanges changes = table_->flush();
  for (const bgp::PeerChanges& told : changes.peers)
    if (Peer* peer = find(told.peer)) peer->tell(told);
  feed_.changed(changes.routes);
  feed_.pump(*table_);
  const auto ended = std::chrono::steady_clock::now();
  next_flush_ = ended + (ended - began);
}

void Speaker::peer_changed(bgp::PeerId id) {
  if (leaving_) return;
  if (const Peer* peer = find(id)) agent_.say(status_of(*peer));
}

void Speaker::look_at_restart() {
  if (!restarting_) return;
  for (const auto& [name, peer] : peers_)
    if (!peer->has_said_all()) return;
  restart_is_over();
}

void Speaker::restart_is_over() {
  restarting_ = false;
  restart_timer_.cancel();
  table_->release();
  feed_.restart_is_over();
  for (const auto& [name, peer] : peers_) peer->restart_is_over();
  table_changed();
}

void Speaker::pump_answers() {
  while (!answers_.empty() && agent_.queued() < kMostQueued) {
    const auto name_of = [this](bgp::PeerId id) {
      const Peer* peer = find(id);
      return peer == nullptr ? std::string() : peer->settings().name;
    };
    auto answer = answers_.front().next(table_.get(), name_of);
    if (!answer.more) answers_.pop_front();
    agent_.say(std::move(answer));
  }
}

}  // namespace fairlead::speaker
