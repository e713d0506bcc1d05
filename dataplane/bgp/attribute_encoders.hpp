// PathAttributes -> values of single attributes: what attribute_table's rows point to. Each says
// whether the attribute is there.
#pragma once

#include "dataplane/bgp/attribute_table.hpp"

namespace fairlead::bgp {

bool encode_origin(const OutgoingAttributes& attributes, Writer& value);
bool encode_as_path(const OutgoingAttributes& attributes, Writer& value);
bool encode_next_hop(const OutgoingAttributes& attributes, Writer& value);
bool encode_med(const OutgoingAttributes& attributes, Writer& value);
bool encode_local_preference(const OutgoingAttributes& attributes, Writer& value);
bool encode_atomic_aggregate(const OutgoingAttributes& attributes, Writer& value);
bool encode_aggregator(const OutgoingAttributes& attributes, Writer& value);
bool encode_communities(const OutgoingAttributes& attributes, Writer& value);
bool encode_originator_id(const OutgoingAttributes& attributes, Writer& value);
bool encode_cluster_list(const OutgoingAttributes& attributes, Writer& value);
bool encode_extended_communities(const OutgoingAttributes& attributes, Writer& value);
bool encode_as4_path(const OutgoingAttributes& attributes, Writer& value);
bool encode_as4_aggregator(const OutgoingAttributes& attributes, Writer& value);
bool encode_large_communities(const OutgoingAttributes& attributes, Writer& value);
bool encode_only_to_customer(const OutgoingAttributes& attributes, Writer& value);

}  // namespace fairlead::bgp
