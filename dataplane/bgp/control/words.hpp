// Enumerations of the control socket as words, and wrapped numbers as what they wrap.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "dataplane/bgp/control/fields.hpp"

namespace fairlead::bgp::control {

template <class Enum>
using Word = std::pair<Enum, std::string_view>;

inline constexpr std::array kAskWords{Word<Ask::What>{Ask::What::kPeers, "peers"},
                                      Word<Ask::What>{Ask::What::kRoutes, "routes"}};
inline constexpr std::array kLeaveWords{Word<Leave::How>{Leave::How::kRestart, "restart"},
                                        Word<Leave::How>{Leave::How::kShutdown, "shutdown"}};
inline constexpr std::array kRoleWords{
    Word<Role>{Role::kProvider, "Provider"}, Word<Role>{Role::kRouteServer, "RouteServer"},
    Word<Role>{Role::kRouteServerClient, "RouteServerClient"},
    Word<Role>{Role::kCustomer, "Customer"}, Word<Role>{Role::kPeer, "Peer"}};
inline constexpr std::array kStateWords{
    Word<SessionState>{SessionState::kIdle, "Idle"},
    Word<SessionState>{SessionState::kConnect, "Connect"},
    Word<SessionState>{SessionState::kActive, "Active"},
    Word<SessionState>{SessionState::kOpenSent, "OpenSent"},
    Word<SessionState>{SessionState::kOpenConfirm, "OpenConfirm"},
    Word<SessionState>{SessionState::kEstablished, "Established"}};

constexpr const auto& words_of(Ask::What /*type*/) { return kAskWords; }
constexpr const auto& words_of(Leave::How /*type*/) { return kLeaveWords; }
constexpr const auto& words_of(Role /*type*/) { return kRoleWords; }
constexpr const auto& words_of(SessionState /*type*/) { return kStateWords; }

template <class T>
concept HasWords = requires(T value) {
  words_of(value);
};

/// The number in it.
constexpr auto& number_in(Is<Port> auto& it) { return it.host; }
constexpr auto& number_in(Is<AsNumber> auto& it) { return it.number; }
constexpr auto& number_in(Is<RouterId> auto& it) { return it.number; }
constexpr auto& number_in(Is<RouteTag> auto& it) { return it.number; }
constexpr auto& number_in(Is<Community> auto& it) { return it.value; }

template <class T>
concept WrapsNumber = requires(T value) {
  number_in(value);
};

}  // namespace fairlead::bgp::control
