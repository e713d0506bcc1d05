// How a session ended -> what is kept of it. A transport that is lost may be a restart; a
// NOTIFICATION is one only where both sides said so (the N bit), and never a hard reset.
#include "dataplane/bgp/restart.hpp"

#include <algorithm>
#include <array>

#include "dataplane/bgp/families.hpp"

namespace fairlead::bgp {
namespace {

/// RFC 8538 5.1: after these the peer should not keep our routes.
constexpr std::array kFinal{cease::kMaximumPrefixes, cease::kAdministrativeShutdown,
                            cease::kPeerDeconfigured, cease::kBfdDown};

bool is_cease(const Notification& notification) {
  return notification.code == static_cast<std::uint8_t>(ErrorCode::kCease);
}

bool is_final(const Notification& notification) {
  return is_cease(notification) && std::ranges::find(kFinal, notification.subcode) != kFinal.end();
}

}  // namespace

FamilySet kept_after(const Agreed& agreed, const End& end) {
  switch (end.cause) {
    case End::Cause::kTransportLost:
    case End::Cause::kReplaced:
      return agreed.kept_over_restart;
    case End::Cause::kNotificationSent:
    case End::Cause::kNotificationReceived: {
      const bool hard = end.notification && is_cease(*end.notification) &&
                        end.notification->subcode == cease::kHardReset;
      return agreed.notification_keeps_routes && !hard ? agreed.kept_over_restart : FamilySet{};
    }
    case End::Cause::kConnectFailed:
    case End::Cause::kConnectTimedOut:
    case End::Cause::kAbandoned:
      return {};
  }
  return {};
}

FamilySet still_forwarding(const FamilySet& stale, const Agreed& agreed) {
  const auto& restart = agreed.peer.capabilities.graceful_restart;
  FamilySet kept;
  for (const Family family : kFamilies)
    kept[family] =
        stale[family] && agreed.kept_over_restart[family] && restart && restart->forwarding[family];
  return kept;
}

Notification on_the_wire(const Notification& notification, const Agreed& agreed) {
  const bool wrap = agreed.notification_keeps_routes && is_final(notification);
  return wrap ? hard_reset(notification) : notification;
}

}  // namespace fairlead::bgp
