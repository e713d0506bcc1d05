// The cluster that the cases are about: node n1 (zone a) is planned for, n2 (zone a) and n3 (zone
// b) are the others. Endpoints L and L2 are on n1, R on n2, B on n3. The Service "shop/web" has
// port 80, a NodePort, a load balancer's and an external address. Cases are written as text: "L z=a
// n=n1, R notready srv term" and "P->CIP".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dataplane/plan/plan.hpp"

namespace fairlead {

Ip ip(std::string_view text);
Cidr cidr(std::string_view text);
Port port(std::int64_t number);

struct World {
  explicit World(Family chosen = Family::kIpv4);

  Family family;
  Snapshot cluster;
  PlanOptions options;

  Service& web() { return cluster.services.at({"shop", "web"}); }
  Node& self() { return cluster.nodes.at("n1"); }

  /// Replaces the Service's one slice. Tokens after a name: z=a+b and n=n1 are hints; notready,
  /// srv, !srv, term are conditions; nonode forgets where it runs.
  void endpoints(std::string_view text);
  /// "itp=Local etp=Local", or part of it, or "".
  void policies(std::string_view text);

  // Addresses of this world's family.
  [[nodiscard]] Ip cluster_ip() const;
  [[nodiscard]] Ip load_balancer_ip() const;
  [[nodiscard]] Ip external_ip() const;
  [[nodiscard]] Ip node_ip() const;
  [[nodiscard]] Ip pod(std::string_view name) const;
};

/// What happens to a connection, by `way` = source "P" (pod), "H" (host) or "X" (outside) -> "CIP",
/// "NP", "LB" or "EIP":
/// "{L,R} y" (may reach L and R, masqueraded), "{L} n", "REJECT", "DROP", or "nothing" if the
/// frontend does not exist.
std::string outcome(const World& world, std::string_view way);

/// The plan of the Service's one port in the world's family; nullptr if there is none.
const ServicePlan* find_plan(const Plan& plan, const World& world);
const Frontend* find_frontend(const ServicePlan& plan, FrontendKind kind);

}  // namespace fairlead
