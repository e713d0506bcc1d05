// The notes of DELs that found no agent (cni/deletion.hpp), carried out when one starts.
#pragma once

#include <functional>
#include <string>

#include "dataplane/podnet/attachments.hpp"
#include "model/result.hpp"

namespace fairlead {

/// To be called when the agent listens and before it answers: a plugin that finds no listener
/// leaves its note before it looks again, so no note is missed; and nothing was added that an old
/// note could hurt. A note that cannot be carried out stays for the next start. `warn`: one line
/// each.
Result<> carry_out_deletions(podnet::Attachments& attachments, const std::string& state_directory,
                             const std::function<void(const std::string&)>& warn);

}  // namespace fairlead
