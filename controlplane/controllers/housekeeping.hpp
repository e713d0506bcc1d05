// What is done by the clock: Events expire after an hour, and old history is forgotten.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "controlplane/registry/registry.hpp"
#include "log/log.hpp"

namespace fairlead::controllers {

inline constexpr std::chrono::hours kEventTtl{1};  // kube-apiserver's

/// Removes the Events that were last seen more than kEventTtl before now.
boost::asio::awaitable<void> expire_events(registry::Registry& registry, log::Logger log);

/// Each minute, until cancelled. `registry` must outlive it.
boost::asio::awaitable<void> keep_house(registry::Registry& registry, log::Logger log);

}  // namespace fairlead::controllers
