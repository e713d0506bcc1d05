// Nodes -> peers. Without reflectors each node speaks with each. With them, they speak with each
// other and with all, and all others with them alone: what a client says, they tell to everyone
// (RFC 4456).
#include "dataplane/announce/mesh.hpp"

#include <array>

#include "dataplane/announce/passwords.hpp"

namespace fairlead::announce {
namespace {

using bgp::control::PeerSettings;

class Mesh {
 public:
  Mesh(const Options& options, const Self& self, const PodRanges& ranges)
      : options_(options), self_(self), ranges_(ranges), all_others_(ranges.all_others()) {}

  void set_password(std::string password) { password_ = std::move(password); }
  void set_reflected() { is_reflected_ = true; }

  [[nodiscard]] bool speaks_with(const Node& other) const {
    return !is_reflected_ || self_.cluster_id || reflector_id(other);
  }

  [[nodiscard]] PeerSettings peer(const Node& other, const Ip& own, const Ip& theirs) const {
    const Family family = own.family();
    PeerSettings peer;
    peer.name = "node/" + other.name + (family == Family::kIpv4 ? "/ipv4" : "/ipv6");
    peer.transport = {.address = theirs,
                      .port = options_.mesh_port,
                      .local_address = own,
                      .password = password_,
                      .hops = 255,
                      .bfd = options_.mesh_bfd};
    peer.session = {.own_as = self_.as,
                    .router_id = self_.router_id,
                    .peer_as = self_.as,
                    .families = {.ipv4 = family == Family::kIpv4, .ipv6 = family == Family::kIpv6},
                    .graceful_restart = bgp::RestartConfig{},
                    .maximum_prefixes = BgpPeer::kDefaultMaxPrefixes};
    peer.rules.address = theirs;
    peer.rules.as = peer.rules.local_as = self_.as;
    peer.rules.imports = imports_of(other, family);
    peer.rules.client = self_.cluster_id && !reflector_id(other);
    peer.rules.own_routes = {{.tag = kMeshTag}};
    return peer;
  }

 private:
  /// A reflector repeats what others said, any other node speaks for itself.
  [[nodiscard]] std::vector<PrefixRule> imports_of(const Node& other, Family family) const {
    std::vector<Cidr> ranges;
    const auto add = [&](const std::vector<Cidr>& of) {
      for (const Cidr& range : of)
        if (range.family() == family) ranges.push_back(range);
    };
    if (reflector_id(other)) {
      add(all_others_);
    } else if (const auto its = ranges_.others.find(other.name); its != ranges_.others.end()) {
      add(its->second);
    }
    return bgp::imports_within(ranges);
  }

  const Options& options_;
  const Self& self_;
  const PodRanges& ranges_;
  const std::vector<Cidr> all_others_;
  std::string password_;
  bool is_reflected_ = false;
};

/// Whether there are reflectors.
bool look_for_reflectors(const std::map<std::string, Node>& nodes, std::vector<Problem>& problems) {
  bool found = false;
  for (const auto& [name, node] : nodes) {
    const auto label = node.labels.find(kReflectorLabel);
    if (label == node.labels.end()) continue;
    if (reflector_id(node)) {
      found = true;
      continue;
    }
    problems.push_back({"Node " + name, "metadata.labels[" + std::string(kReflectorLabel) + ']',
                        '"' + label->second +
                            "\" is no cluster id, which is written as an IPv4 address; the node "
                            "does not reflect routes"});
  }
  return found;
}

}  // namespace

std::vector<PeerSettings> mesh_peers(const Options& options, const Self& self,
                                     const std::map<std::string, Node>& nodes,
                                     const PodRanges& ranges, const Objects& objects,
                                     PeerAddresses& addresses, std::vector<Problem>& problems) {
  Mesh mesh(options, self, ranges);
  if (look_for_reflectors(nodes, problems)) mesh.set_reflected();
  if (options.mesh_password) {
    auto password = password_at(objects, *options.mesh_password);
    if (!password) {
      problems.push_back({"Secret " + to_string(options.mesh_password->secret),
                          "data[" + options.mesh_password->key + ']',
                          password.error().doing + "; nodes hold no sessions with one another"});
      return {};
    }
    mesh.set_password(*std::move(password));
  }
  std::vector<PeerSettings> peers;
  for (const auto& [name, node] : nodes) {
    if (name == options.node || !mesh.speaks_with(node)) continue;
    const auto theirs = first_addresses(node);
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      if (!theirs[family] || !self.address[family]) continue;
      if (const auto* owner = addresses.take(*theirs[family], "Node " + name)) {
        problems.push_back({"Node " + name, "status.addresses",
                            to_string(*theirs[family]) + " is " + *owner +
                                "'s as well; there is no session with it"});
        continue;
      }
      peers.push_back(mesh.peer(node, *self.address[family], *theirs[family]));
    }
  }
  return peers;
}

}  // namespace fairlead::announce
