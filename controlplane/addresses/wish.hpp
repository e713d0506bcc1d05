// What a Service of type LoadBalancer asks for, and what it is answered.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "model/ip.hpp"
#include "model/labels.hpp"
#include "model/object.hpp"

namespace fairlead::addresses {

struct PortUse {
  Protocol protocol = Protocol::kTcp;
  Port port;
  auto operator<=>(const PortUse&) const = default;
};

/// Why something could not be had, as an Event says it.
struct Refusal {
  std::string reason;   // "AddressPoolExhausted"
  std::string message;  // for people
  bool operator==(const Refusal&) const = default;
};

struct Wish {
  ObjectName service;
  Labels labels;
  std::vector<Family> families;  // one address of each; in the order of spec.ipFamilies
  bool needs_all = false;        // RequireDualStack: all families or none
  std::vector<Ip> requested;     // at most one a family
  std::string pool;              // "": any that gives without being asked
  std::string sharing_key;       // "": an address of its own
  /// Where an address leads on each node: Services that share one must agree. "" with policy
  /// Cluster, where every node leads to every endpoint.
  std::string backend;
  std::vector<PortUse> ports;
  std::optional<Refusal> mistake;  // the wish cannot be read: what is held stays, and nothing more
};

struct Answer {
  std::vector<Ip> addresses;  // that the Service has now; in the order of its families
  std::optional<Refusal> refusal;
};

}  // namespace fairlead::addresses
