// Kubernetes JSON -> model. A field that decides where a packet goes is checked here once; the
// error names object and field.
#pragma once

#include <boost/json.hpp>
#include <vector>

#include "model/object.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"

namespace fairlead {

/// The object without its bad parts, and what was left out (a bad address costs that address, not
/// its neighbours).
template <class T>
struct Decoded {
  T object;
  std::vector<Problem> problems;
};

/// v1 Service. Fails only where nothing useful is left: not an object, no name, wrong JSON type of
/// a whole section.
Result<Decoded<Service>> decode_service(const boost::json::value& json);
/// discovery.k8s.io/v1 and v1beta1 EndpointSlice. Loopback, link-local, multicast, unspecified,
/// IPv4-mapped addresses and those of the wrong family are left out with a Problem
/// (CVE-2021-25737).
Result<Decoded<EndpointSlice>> decode_endpoint_slice(const boost::json::value& json);
/// v1 Node.
Result<Decoded<Node>> decode_node(const boost::json::value& json);

/// RFC 3339 time as Kubernetes writes it, with or without a fraction.
Result<Time> parse_time(std::string_view text);
std::string format_time(Time time);        // "2026-01-02T03:04:05Z"
std::string format_micro_time(Time time);  // "2026-01-02T03:04:05.000006Z"

}  // namespace fairlead
