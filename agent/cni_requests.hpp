// A parsed CNI request -> Attachments -> the plugin's answer.
#pragma once

#include <vector>

#include "cni/message.hpp"
#include "cni/request.hpp"
#include "dataplane/podnet/attachments.hpp"

namespace fairlead {

struct CniOutcome {
  cni::Answer answer = {};
  std::vector<podnet::Attachment> added = {}, removed = {};
};

/// May wait for the kernel and the book; any thread of the node's network namespace. `netns`: what
/// came with the request, may own nothing.
CniOutcome serve_cni(podnet::Attachments& attachments, const cni::Request& request,
                     const Fd& netns);

cni::Answer refuse_cni(cni::Failure failure, cni::Version version);

}  // namespace fairlead
