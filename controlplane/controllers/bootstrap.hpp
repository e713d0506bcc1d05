// What every cluster has from the start: its namespaces, and the `kubernetes` Service through which
// pods find the API.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "controlplane/registry/registry.hpp"
#include "log/log.hpp"
#include "model/ip.hpp"

namespace fairlead::controllers {

struct ApiEndpoint {
  Ip service_ip;  // the first of the Service range
  Ip address;     // where this server listens
  Port port;
};

/// Creates what is missing and corrects the slice of `kubernetes`. `registry` must outlive it.
boost::asio::awaitable<void> make_cluster(registry::Registry& registry, log::Logger log,
                                          ApiEndpoint endpoint);

}  // namespace fairlead::controllers
