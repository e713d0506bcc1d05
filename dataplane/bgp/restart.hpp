// Graceful restart as decisions about values: RFC 4724 and 8538.
#pragma once

#include "dataplane/bgp/session_actions.hpp"

namespace fairlead::bgp {

/// Of which families the routes stay although the session ended so. `end` holds what was on the
/// wire.
FamilySet kept_after(const Agreed& agreed, const End& end);

/// Of the families whose routes are stale: those that the peer, now back, has kept forwarding.
FamilySet still_forwarding(const FamilySet& stale, const Agreed& agreed);

/// The NOTIFICATION as it is sent: in a hard reset if it must end what would else go on.
Notification on_the_wire(const Notification& notification, const Agreed& agreed);

}  // namespace fairlead::bgp
