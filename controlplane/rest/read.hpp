// GET: one object, a list, or the beginning of a watch.
#pragma once

#include <chrono>

#include "controlplane/registry/registry.hpp"
#include "controlplane/rest/negotiation.hpp"
#include "controlplane/rest/options.hpp"
#include "controlplane/rest/route.hpp"
#include "http/message.hpp"

namespace fairlead::rest {

struct ReadRequest {
  const Route& route;
  const http::Query& query;
  ObjectForm form;
};

http::Response read_object(registry::Registry& registry, const ReadRequest& request);
/// A list or, with ?watch, a stream. The registry must outlive the answer.
http::Response read_collection(registry::Registry& registry, const ReadRequest& request);

}  // namespace fairlead::rest
