// Whatever changes -> cluster_changed() -> configure() -> announce::wanted() -> said, if it differs
#include "agent/bgp/bgp_node.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <utility>

#include "dataplane/bgp/control/codec.hpp"
#include "dataplane/bgp/text.hpp"

namespace fairlead::bgp {
namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
/// Changes that come this close together are said together.
constexpr std::chrono::milliseconds kSettle{5};
/// The working out takes at most this share of the time.
constexpr int kShare = 5;
constexpr std::chrono::seconds kAnswerLimit{5};

}  // namespace

BgpNode::BgpNode(asio::io_context& io, BgpOptions options, Opened opened, Owner owner,
                 log::Logger log)
    : io_(io),
      options_(std::move(options)),
      owner_(std::move(owner)),
      log_(std::move(log)),
      passwords_(
          io, std::move(opened.api), options_.secrets_period, [this] { cluster_changed(); }, log_),
      routes_(
          io, std::move(opened.routes), options_.routes,
          [this](const control::NextHopState& state) { speaker_.say(state); }, log_),
      speaker_(io, options_.command, std::move(opened.listeners),
               {.started = [this] { started(); },
                .message = [this](control::FromSpeaker message) { heard(std::move(message)); },
                .lost = [this] { lost(); }},
               options_.speaker, log_),
      changed_(io),
      ready_(io, asio::steady_timer::time_point::max()) {
  std::error_code ignored;
  has_forwarded_ = std::filesystem::exists(options_.marker, ignored);
}

namespace {

/// Not before it is known what it shall do.
asio::awaitable<void> run_speaker(SpeakerLink& speaker, asio::steady_timer& ready,
                                  const std::optional<control::Settings>& settings,
                                  const bool& stopped) {
  while (!settings && !stopped) co_await ready.async_wait(kAwait);
  if (!stopped) co_await speaker.run();
}

}  // namespace

std::vector<BgpNode::Task> BgpNode::tasks() {
  std::vector<Task> tasks;
  tasks.push_back({"learned routes", routes_.run()});
  tasks.push_back({"monitor of learned routes", routes_.watch_kernel()});
  tasks.push_back({"BGP passwords", passwords_.run()});
  tasks.push_back({"BGP configuration", configure()});
  tasks.push_back({"BGP speaker", run_speaker(speaker_, ready_, settings_, stopped_)});
  return tasks;
}

void BgpNode::stop() {
  if (std::exchange(stopped_, true)) return;
  passwords_.stop();
  routes_.stop();
  speaker_.stop(control::Leave::How::kRestart);
  changed_.cancel();
  ready_.cancel();
}

void BgpNode::drain() {
  if (std::exchange(drained_, true)) return;
  log_.info("BGP withdraws all that this node announces");
  speaker_.stop(control::Leave::How::kShutdown);
}

// ---- what is wanted ----

void BgpNode::cluster_changed() {
  due_ = true;
  changed_.cancel();
}

asio::awaitable<void> BgpNode::configure() {
  while (!stopped_) {
    if (!due_) {
      changed_.expires_at(asio::steady_timer::time_point::max());
      co_await changed_.async_wait(kAwait);
      continue;
    }
    asio::steady_timer pause(io_, kSettle);
    co_await pause.async_wait(kAwait);
    due_ = false;
    const auto begin = std::chrono::steady_clock::now();
    if (!stopped_) settle();
    pause.expires_after(kShare * (std::chrono::steady_clock::now() - begin));
    co_await pause.async_wait(kAwait);
  }
}

void BgpNode::settle() {
  if (listed_.size() < client::kBgpResources.size()) return;
  const auto cluster = owner_.cluster();
  if (!cluster) return;
  passwords_.want(announce::secrets(options_.announce, cluster->snapshot, objects_));
  // Without its password a session would end, and come back with it.
  if (!settings_ && !passwords_.is_complete()) return;
  objects_.passwords = passwords_.values();
  announce::Wanted wanted = announce::wanted(options_.announce, *cluster, objects_);
  owner_.left_out(wanted.problems);
  settings_ = std::move(wanted.settings);
  std::erase_if(states_, [&](const auto& entry) {
    return std::ranges::find(settings_->peers, entry.first, &control::PeerSettings::name) ==
           settings_->peers.end();
  });
  ready_.cancel();
  if (!speaker_.is_running()) return;
  finish(*settings_);
  std::string line = control::encode(*settings_);
  if (line == said_) return;
  said_ = std::move(line);
  speaker_.say(*settings_);
}

/// What depends on this speaker's own life. It stays the same for as long as it lives.
void BgpNode::finish(control::Settings& settings) const {
  settings.restart_wait = has_forwarded_ ? options_.restart_wait : std::chrono::seconds(0);
  for (control::PeerSettings& peer : settings.peers) {
    if (!peer.session.graceful_restart) continue;
    RestartConfig& restart = *peer.session.graceful_restart;
    if (peer.name.starts_with("node/")) restart.time = options_.restart_time;
    restart.restarting = has_forwarded_;
    restart.forwarding = has_forwarded_ ? peer.session.families : FamilySet{};
  }
}

// ---- the speaker ----

void BgpNode::started() {
  restart_over_ = false;
  states_.clear();
  if (speaker_.starts() > 1) routes_.speaker_restarted();
  finish(*settings_);
  said_ = control::encode(*settings_);
  speaker_.say(*settings_);
}

void BgpNode::lost() {
  has_forwarded_ = true;
  states_.clear();
  for (auto& [id, question] : questions_) question->wake->cancel();
}

void BgpNode::heard(control::FromSpeaker message) {
  std::visit([this](auto&& one) { heard_one(std::move(one)); }, std::move(message));
}

void BgpNode::heard_one(control::RoutesChanged changes) { routes_.changed(std::move(changes)); }

void BgpNode::heard_one(control::RestartOver /*over*/) {
  restart_over_ = true;
  routes_.restart_over();
  // From here on this node forwards for its peers, whatever becomes of agent and speaker.
  std::ofstream marker(options_.marker);
  if (!marker) log_.warn("cannot write a file", {{"file", options_.marker}});
}

void BgpNode::heard_one(control::PeerStatus status) {
  states_[status.name] = status.state;  // the speaker logs what becomes of sessions
}

void BgpNode::heard_one(control::Answer answer) {
  const auto found = questions_.find(answer.id);
  if (found == questions_.end()) return;  // asked for too long ago
  Question& question = *found->second;
  std::ranges::move(answer.peers, std::back_inserter(question.answer.peers));
  std::ranges::move(answer.routes, std::back_inserter(question.answer.routes));
  if (answer.more) return;
  question.complete = true;
  question.wake->cancel();
}

asio::awaitable<Result<control::Answer>> BgpNode::ask(control::Ask::What what,
                                                      std::optional<Prefix> prefix) {
  if (!speaker_.is_running() || drained_) co_return invalid("the BGP speaker does not run");
  asio::steady_timer wake(io_, kAnswerLimit);
  Question question{.answer = {}, .complete = false, .wake = &wake};
  const std::uint64_t id = ++last_question_;
  questions_.emplace(id, &question);
  speaker_.say(control::Ask{.id = id, .what = what, .prefix = prefix});
  co_await wake.async_wait(kAwait);
  questions_.erase(id);
  if (!question.complete) co_return invalid("the BGP speaker does not answer");
  co_return std::move(question.answer);
}

BgpNode::Status BgpNode::status() const {
  Status status{.running = speaker_.is_running(),
                .pid = speaker_.pid(),
                .starts = speaker_.starts(),
                .restart_over = restart_over_,
                .drained = drained_,
                .routes = routes_.counts(),
                .problems = routes_.problems()};
  if (settings_) {
    status.as = settings_->speaker.as;
    status.router_id = settings_->speaker.router_id;
    status.peers = settings_->peers.size();
    std::set<Prefix> prefixes;
    for (const control::OwnRoute& route : settings_->routes) prefixes.insert(route.prefix);
    status.announced = prefixes.size();
  }
  for (const auto& [name, state] : states_)
    if (state == SessionState::kEstablished) ++status.established;
  return status;
}

// ---- what people configured ----

void BgpNode::set(const AddressPool& pool) {
  objects_.pools.insert_or_assign(pool.name, pool);
  cluster_changed();
}
void BgpNode::set(const BgpPeer& peer) {
  objects_.peers.insert_or_assign(peer.name, peer);
  cluster_changed();
}
void BgpNode::set(const BgpAdvertisement& advertisement) {
  objects_.advertisements.insert_or_assign(advertisement.name, advertisement);
  cluster_changed();
}
void BgpNode::erase_pool(const std::string& name) {
  objects_.pools.erase(name);
  cluster_changed();
}
void BgpNode::erase_peer(const std::string& name) {
  objects_.peers.erase(name);
  cluster_changed();
}
void BgpNode::erase_advertisement(const std::string& name) {
  objects_.advertisements.erase(name);
  cluster_changed();
}
void BgpNode::listed(client::BgpResource resource) {
  listed_.insert(resource);
  cluster_changed();
}

}  // namespace fairlead::bgp
