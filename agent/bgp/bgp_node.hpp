// BGP on this node, as a running agent has it.
//
//   BGP's objects, Nodes, Services' plans, Secrets -> announce::wanted() -> Settings -> SpeakerLink
//   SpeakerLink -> learned routes -> RouteKeeper -> kernel
//   RouteKeeper -> next hops that cannot be reached -> SpeakerLink
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/bgp/passwords.hpp"
#include "agent/bgp/route_keeper.hpp"
#include "agent/bgp/speaker_link.hpp"
#include "controlplane-client/bgp_watch.hpp"
#include "dataplane/announce/announce.hpp"
#include "log/log.hpp"

namespace fairlead::bgp {

struct BgpOptions {
  announce::Options announce{};
  std::chrono::seconds restart_time{120};  // how long other nodes keep our routes
  std::chrono::seconds restart_wait{30};   // how long we wait for what peers repeat
  RouteTimes routes{};
  SpeakerLink::Times speaker{};
  SpeakerCommand command{};
  std::chrono::milliseconds secrets_period{60'000};
  /// A file that is lost at reboot: there, this node has forwarded for its peers since it started.
  std::string marker{};
};

class BgpNode {
 public:
  /// What can fail is opened first.
  struct Opened {
    RouteKeeper::Opened routes;
    std::vector<Fd> listeners;
    std::unique_ptr<client::ApiClient> api;  // for Secrets
  };
  /// What the owner has and does.
  struct Owner {
    /// Nothing as long as Nodes and Services have not all been listed.
    std::function<std::optional<announce::Cluster>()> cluster;
    /// All that is left out of what is announced, and of peers.
    std::function<void(const std::vector<Problem>&)> left_out;
  };

  BgpNode(boost::asio::io_context& io, BgpOptions options, Opened opened, Owner owner,
          log::Logger log);
  BgpNode(BgpNode&&) = delete;

  /// Each runs until stop(); its name is for a message.
  struct Task {
    std::string_view name;
    boost::asio::awaitable<void> run;
  };
  std::vector<Task> tasks();
  /// The speaker ends without a word to its peers; kernel routes stay.
  void stop();

  void set(const AddressPool& pool);
  void set(const BgpPeer& peer);
  void set(const BgpAdvertisement& advertisement);
  void erase_pool(const std::string& name);
  void erase_peer(const std::string& name);
  void erase_advertisement(const std::string& name);
  /// All of a kind have been told once; nothing is said to the speaker before.
  void listed(client::BgpResource resource);
  /// Nodes, Services or what is planned of them may be others.
  void cluster_changed();
  void guard(RouteGuard guard) { routes_.guard(std::move(guard)); }
  /// Withdraws all that this node announces; nothing is announced again before a new start.
  void drain();

  /// Asks the speaker. The error says that there is none, or that it does not answer.
  boost::asio::awaitable<Result<control::Answer>> ask(control::Ask::What what,
                                                      std::optional<Prefix> prefix = {});

  struct Status {
    bool running = false;
    pid_t pid = 0;
    std::uint64_t starts = 0;
    bool restart_over = false;
    bool drained = false;
    AsNumber as{};
    RouterId router_id{};
    std::size_t peers = 0, established = 0;  // configured; of them
    std::size_t announced = 0;               // own prefixes
    RouteCounts routes{};
    std::set<std::string> problems{};
  };
  [[nodiscard]] Status status() const;

 private:
  boost::asio::awaitable<void> configure();  // a loop
  void settle();
  void finish(control::Settings& settings) const;
  void started();
  void lost();
  void heard(control::FromSpeaker message);
  void heard_one(control::RoutesChanged changes);
  void heard_one(control::RestartOver over);
  void heard_one(control::PeerStatus status);
  void heard_one(control::Answer answer);

  struct Question {
    control::Answer answer{};
    bool complete = false;
    boost::asio::steady_timer* wake = nullptr;
  };

  boost::asio::io_context& io_;
  BgpOptions options_;
  Owner owner_;
  log::Logger log_;
  announce::Objects objects_;
  Passwords passwords_;
  RouteKeeper routes_;
  SpeakerLink speaker_;
  std::set<client::BgpResource> listed_;

  boost::asio::steady_timer changed_, ready_;
  bool due_ = false, stopped_ = false, drained_ = false;
  std::optional<control::Settings> settings_;  // wanted; nothing: not known yet
  std::string said_;                           // to this speaker, encoded
  bool has_forwarded_ = false;                 // since the node started, before this speaker did
  bool restart_over_ = false;
  std::map<std::string, SessionState> states_;  // of peers
  std::map<std::uint64_t, Question*> questions_;
  std::uint64_t last_question_ = 0;
};

}  // namespace fairlead::bgp
