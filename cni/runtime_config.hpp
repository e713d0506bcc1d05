// The capabilities that only runtimeConfig carries: portMappings, ipRanges, bandwidth.
#pragma once

#include "cni/fields.hpp"
#include "dataplane/podnet/attachment.hpp"

namespace fairlead::cni {

Outcome<> read_runtime_config(const Fields& runtime, podnet::AttachmentRequest& attachment);

}  // namespace fairlead::cni
