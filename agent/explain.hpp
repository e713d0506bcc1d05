// Why a packet goes where it goes: looks one up in the plan as the datapath does, and says which
// rule decided.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "dataplane/datapath.hpp"
#include "model/plan.hpp"

namespace fairlead {

struct Packet {
  Ip source;
  Ip destination;
  Port port;
  Protocol protocol = Protocol::kTcp;
};

/// "10.244.1.5 -> 10.96.0.10:80/TCP".
std::string to_string(const Packet& packet);

enum class Outcome : std::uint8_t { kForward, kReject, kDrop, kNotAService };
std::string_view name_of(Outcome outcome);

struct Explanation {
  Scope scope = Scope::kExternal;
  Outcome outcome = Outcome::kNotAService;
  const ServicePlan* service = nullptr;  // of the plan; nullptr: no frontend has the destination
  const Frontend* frontend = nullptr;
  bool masquerade = false;
  std::vector<Backend> backends;     // each equally likely, unless affinity remembers one
  std::vector<std::string> reasons;  // in the order of the decisions
};

/// `local_addresses`: the node's own. The result refers to `plan`.
Explanation explain(const Plan& plan, const std::vector<Ip>& local_addresses, const Packet& packet);

/// `trace`: what the kernel's own program did with such a packet, if the datapath can tell.
boost::json::object to_json(const Packet& packet, const Explanation& explanation,
                            const Result<std::optional<Trace>>& trace = std::nullopt);

}  // namespace fairlead
