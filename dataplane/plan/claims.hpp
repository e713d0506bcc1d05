// Who gets an address, port and protocol that several ask for: a ClusterIP before anything else, a
// Service before a pod's host port, then the older object, then the smaller name. Independent of
// the order in which they came.
#pragma once

#include <compare>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "dataplane/plan/frontends.hpp"
#include "model/object.hpp"

namespace fairlead {

/// Who asks: a Service, or a pod by host_ports_name().
struct Claimant {
  const ObjectName& name;
  Time created;
};
inline Claimant claimant(const Service& service) { return {service.name, service.created}; }

/// What all of them ask for. Adding and removing one costs the logarithm of their number.
class Claims {
 public:
  /// `who` and `wanted` must be removed as they were added. `who.name` must stay where it is until
  /// then. Those who may have lost or won something by it are added to `rivals`.
  void add(const Claimant& who, std::span<const WantedFrontend> wanted,
           std::set<ObjectName>& rivals);
  void remove(const Claimant& who, std::span<const WantedFrontend> wanted,
              std::set<ObjectName>& rivals);
  void clear() { claims_.clear(); }

  /// nullopt: whoever asks has it. Else why not.
  [[nodiscard]] std::optional<std::string> why_lost(const Claimant& who,
                                                    const WantedFrontend& wanted) const;
  /// nullptr: nobody's.
  [[nodiscard]] const ObjectName* node_port_owner(Family family, Port port,
                                                  Protocol protocol) const;

 private:
  enum class Rank : std::uint8_t { kClusterIp, kExternal, kHostPort };

  /// The set's order is the order of precedence among those who ask for the same.
  struct Claim {
    Ip address;
    Rank rank = Rank::kClusterIp;
    Port port;
    Protocol protocol = Protocol{};
    Time created;
    const ObjectName* who = nullptr;

    bool operator<(const Claim& other) const;
    [[nodiscard]] bool asks_for_the_same(const Claim& other) const;
  };

  static Rank rank_of(FrontendKind kind);
  static Claim make(const Claimant& who, const WantedFrontend& wanted);
  static Claim first_at(const Ip& address, Rank rank);  // a bound before all claims of that rank
  static Claim first_of_group(Claim claim);             // a bound before all that ask for the same
  static Claim of_rank(Claim claim, Rank rank);
  static std::string owner_of(const Claim& claim);
  [[nodiscard]] const Claim* cluster_ip_at(const Ip& address) const;
  [[nodiscard]] const Claim* holder_of(const Claim& claim) const;
  void collect_group(const Claim& claim, std::set<ObjectName>& rivals) const;
  void collect_rivals(const Claim& claim, std::set<ObjectName>& rivals) const;

  std::set<Claim> claims_;
};

}  // namespace fairlead
