// Plan -> tables -> elements. Pure.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "dataplane/nftables/tables.hpp"
#include "model/plan.hpp"

namespace fairlead::nftables {

/// What the kernel has in the slots of a Service port's two groups; kept as far as the plan allows.
struct KnownSlots {
  std::vector<std::optional<Slot>> cluster;
  std::vector<std::optional<Slot>> local;
};
KnownSlots slots_of(const PortTables& tables);

/// `id`: 1 to kIdLimit - 1, the Service port's own. Frontends at loopback addresses are left out:
/// what the node sends there leaves it only where route_localnet opens the node's own to its pods.
PortTables compile(const ServicePlan& plan, std::uint32_t id, const KnownSlots& known);

/// Appends all elements that belong to this Service port alone, in no order.
void append_elements(const PortTables& tables, std::vector<Element>& out);

/// Elements that several Service ports may have in common: hairpins and ClusterIPs. The kernel has
/// one while at least one Service port has it.
void append_shared_elements(const PortTables& tables, std::vector<Element>& out);

/// Where NodePorts are open.
void append_node_elements(const NodeSettings& node, std::vector<Element>& out);

/// Whether somebody is sent to a backend by this frontend.
bool leads_to_backend(const PortTables::Row& row);

/// The chains that draw for this Service port.
void append_draw_chains(const PortTables& tables, std::set<DrawChain>& out);

/// What `nft list` shows beside a Service port in map services; also how a restarted agent finds
/// its id again.
std::string comment_of(const ServicePortName& name);

/// The id in the key of an element of services.
std::uint32_t id_in_key(const Element& element);

Element services_element(SetId set, std::uint32_t handle, Choice choice);
Element backend_element(Family family, std::uint32_t group, std::uint32_t slot_number,
                        const Slot& slot);
/// The reverse: slot number and slot.
std::pair<std::uint32_t, Slot> read_backend_element(const Element& element);

}  // namespace fairlead::nftables
