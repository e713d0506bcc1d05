// Values of single attributes -> ReceivedAttributes: what attribute_table's rows point to.
#pragma once

#include "dataplane/bgp/attribute_table.hpp"

namespace fairlead::bgp {

Complaint decode_origin(Reader value, ReceivedAttributes& into);
Complaint decode_as_path(Reader value, ReceivedAttributes& into);
Complaint decode_next_hop(Reader value, ReceivedAttributes& into);
Complaint decode_med(Reader value, ReceivedAttributes& into);
Complaint decode_local_preference(Reader value, ReceivedAttributes& into);
Complaint decode_atomic_aggregate(Reader value, ReceivedAttributes& into);
Complaint decode_aggregator(Reader value, ReceivedAttributes& into);
Complaint decode_communities(Reader value, ReceivedAttributes& into);
Complaint decode_originator_id(Reader value, ReceivedAttributes& into);
Complaint decode_cluster_list(Reader value, ReceivedAttributes& into);
Complaint decode_extended_communities(Reader value, ReceivedAttributes& into);
Complaint decode_as4_path(Reader value, ReceivedAttributes& into);
Complaint decode_as4_aggregator(Reader value, ReceivedAttributes& into);
Complaint decode_large_communities(Reader value, ReceivedAttributes& into);
Complaint decode_only_to_customer(Reader value, ReceivedAttributes& into);

}  // namespace fairlead::bgp
