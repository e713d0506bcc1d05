// Fairlead's own annotations of a Service: what Kubernetes has no field for.
#pragma once

#include "model/object.hpp"
#include "objects/metadata.hpp"

namespace fairlead {

/// fairlead.io/algorithm: random, round-robin or maglev; fairlead.io/node-weights: "a=3,b=2". What
/// cannot be read is a Problem and left at its default; the rest counts.
void decode_service_annotations(const Metadata& metadata, ProblemList& problems, Service& service);

}  // namespace fairlead
