// All that peers said about prefixes, what this node chose of it, and what it told whom. Pure:
// updates and sessions' ends come in by calls, the consequences of any number of them come out of
// flush().
//
//     receive, session_down, originate …        flush
//        peer ──▶ Destination.paths ──▶ select ──▶ Destination.route ──▶ TableChanges.routes
//                 (Adj-RIBs-In)                    (Loc-RIB)        └──▶ Destination.told ──▶
//                 .peers
//                                                                        (Adj-RIBs-Out)
#pragma once

#include <array>
#include <memory>
#include <set>
#include <utility>

#include "dataplane/bgp/import_rules.hpp"
#include "dataplane/bgp/selection.hpp"
#include "dataplane/bgp/table_changes.hpp"

namespace fairlead::bgp {

/// What came of one UPDATE.
struct Received {
  std::array<std::size_t, kRefusals> refused{};  // prefixes, by Refusal
  /// A family of which the peer announces more than PeerRules::max_prefixes; the rest of the UPDATE
  /// was not looked at. The session has to end (Cease, cease::kMaximumPrefixes).
  std::optional<Family> over_limit{};
};

/// Unknown PeerIds, and calls that need a session before one was up, are the caller's mistakes.
class RoutingTable {
 public:
  explicit RoutingTable(const Speaker& speaker);
  ~RoutingTable();
  RoutingTable(const RoutingTable&) = delete;
  RoutingTable& operator=(const RoutingTable&) = delete;

  PeerId add_peer(PeerRules rules);
  /// With all that it said.
  void remove_peer(PeerId peer);
  /// Drops what is not allowed any more and tells what is told differently. What was refused before
  /// is not here: the peer must be asked for it again (ROUTE-REFRESH).
  void set_rules(PeerId peer, PeerRules rules);

  /// From now on the peer hears of routes, all of them with the next flush().
  void session_up(PeerId peer, Established session);
  /// Paths of the families in `kept` become stale, or go if they were stale already (RFC 4724 4.2);
  /// all others go.
  void session_down(PeerId peer, FamilySet kept = {});
  /// The peer's End-of-RIB came, or its time is over: what it did not say again goes.
  void remove_stale(PeerId peer, FamilySet families);
  /// The peer is about to say all of `family` again (RFC 7313): what it then does not say goes with
  /// remove_stale().
  void mark_stale(PeerId peer, Family family);
  /// The peer asked to hear everything of `family` again (RFC 2918).
  void refresh(PeerId peer, Family family);
  /// While it is held the peer hears nothing: it does not read. What is true by its end it hears
  /// then, and nothing of what was in between.
  void hold(PeerId peer, bool held);

  Received receive(PeerId peer, const Update& update);

  /// `attributes` without next hop and path: those are made for each peer. The same prefix may have
  /// several tags; a tag that it has already gets these attributes.
  void originate(const Prefix& prefix, RouteTag tag, PathAttributes attributes = {});
  void withdraw(const Prefix& prefix, RouteTag tag);

  /// Next hops can be reached unless it was said that they cannot.
  void set_reachable(const Ip& next_hop, bool reachable);

  /// Until release() nothing is chosen of what peers say: after a restart, while they repeat what
  /// the kernel still has (RFC 4724 4.1). Own routes are told all the same, with End-of-RIB for
  /// those that can hear of no others: if we restart once more before, peers still have them.
  void defer() { deferred_ = true; }
  void release() { deferred_ = false; }

  TableChanges flush();

  /// Null if there is no such prefix, or no way there.
  [[nodiscard]] const Route* find(const Prefix& prefix) const;
  /// Every prefix of which anybody said something: for display.
  [[nodiscard]] const Destinations& destinations() const { return destinations_; }
  /// Taken from the peer, with stale ones.
  [[nodiscard]] std::size_t paths_of(PeerId peer, Family family) const;
  /// Prefixes that the peer was told, and that were not withdrawn since.
  [[nodiscard]] std::size_t told_to(PeerId peer, Family family) const;
  /// Different sets of attributes, of any use.
  [[nodiscard]] std::size_t attribute_sets() const { return attributes_.size(); }

 private:
  struct Peer;
  class Exporter;
  using Entry = Destinations::value_type;
  using OwnRoute = std::pair<RouteTag, AttributesRef>;

  Peer& at(PeerId peer);
  [[nodiscard]] const Peer& at(PeerId peer) const;
  void look_again(Entry& entry, bool tell = false);
  void put_path(Peer& peer, Entry& entry, const AttributesRef& attributes);
  bool drop_path(Peer& peer, Entry& entry);
  void drop_path(Peer& peer, const Prefix& prefix);
  void announce(Peer& peer, const Announcement& announcement, Received& received);
  void put_own(Entry& entry, const std::vector<OwnRoute>& routes);
  [[nodiscard]] NextHopSet ways_of(const std::vector<Candidate>& equals) const;
  Route choose(const Destination& destination);
  [[nodiscard]] bool awaits_learned(const Peer& peer) const;
  void settle(Entry& entry, Exporter& exporter, TableChanges& changes);
  void tell_all(Peer& peer, Exporter& exporter, std::vector<Prefix>& forgotten);

  Speaker speaker_;
  Pool<PathAttributes> attributes_;
  Pool<NextHopSet> next_hop_sets_;
  std::vector<std::unique_ptr<Peer>> peers_;  // by PeerId; null: removed
  Destinations destinations_;
  std::vector<Entry*> waiting_;  // never an entry twice; entries do not move
  std::unordered_map<Prefix, std::vector<OwnRoute>, PrefixHash> own_;  // sorted by tag
  std::set<Ip> unreachable_;
  std::vector<Candidate> candidates_;  // of choose(), whose memory is kept
  bool deferred_ = false;
};

}  // namespace fairlead::bgp
