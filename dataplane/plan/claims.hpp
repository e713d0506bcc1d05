// Who gets an address, port and protocol that several Services ask for: a ClusterIP before anything
// else, then the older object, then the smaller name. Independent of the order in which they came.
#pragma once

#include <compare>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "dataplane/plan/frontends.hpp"
#include "model/object.hpp"

namespace fairlead {

/// What all Services ask for. Adding and removing one costs the logarithm of their number.
class Claims {
 public:
  /// `service` and `wanted` must be removed as they were added. `service.name` must stay where it
  /// is until then. The Services that may have lost or won something by it are added to `rivals`.
  void add(const Service& service, std::span<const WantedFrontend> wanted,
           std::set<ObjectName>& rivals);
  void remove(const Service& service, std::span<const WantedFrontend> wanted,
              std::set<ObjectName>& rivals);
  void clear() { claims_.clear(); }

  /// nullopt: the Service that asks has it. Else why not.
  [[nodiscard]] std::optional<std::string> why_lost(const Service& service,
                                                    const WantedFrontend& wanted) const;

 private:
  enum class Rank : std::uint8_t { kClusterIp, kExternal };

  /// The set's order is the order of precedence among those who ask for the same.
  struct Claim {
    Ip address;
    Rank rank = Rank::kClusterIp;
    Port port;
    Protocol protocol = Protocol{};
    Time created;
    const ObjectName* service = nullptr;

    bool operator<(const Claim& other) const;
    [[nodiscard]] bool asks_for_the_same(const Claim& other) const;
  };

  static Claim make(const Service& service, const WantedFrontend& wanted);
  static Claim first_at(const Ip& address, Rank rank);  // a bound before all claims of that rank
  static Claim first_of_group(Claim claim);             // a bound before all that ask for the same
  [[nodiscard]] const Claim* cluster_ip_at(const Ip& address) const;
  void collect_rivals(const Claim& claim, std::set<ObjectName>& rivals) const;

  std::set<Claim> claims_;
};

}  // namespace fairlead
