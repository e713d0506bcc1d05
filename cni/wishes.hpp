// What a runtime or a pod's author wants of an ADD beyond its name: addresses, MAC, ports, labels,
// bandwidth.
#pragma once

#include "cni/environment.hpp"
#include "cni/fields.hpp"
#include "dataplane/podnet/attachment.hpp"

namespace fairlead::cni {

/// From runtimeConfig, `args.cni` and CNI_ARGS into `attachment`. Each of addresses and MAC is
/// taken from the first that says it: runtimeConfig, the pod's annotations in it, args.cni,
/// CNI_ARGS.
Outcome<> read_wishes(const Fields& config, const Args& args,
                      podnet::AttachmentRequest& attachment);

}  // namespace fairlead::cni
