// The one place that knows every datapath by name.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/config.hpp"
#include "dataplane/datapath.hpp"

namespace fairlead {

/// Those that are compiled in, the best first.
std::vector<std::string_view> datapath_names();

/// The named one, or for "auto" the first that this kernel can do. `report` is told of what goes
/// wrong beside a sync; it may be called from another thread.
Result<std::unique_ptr<Datapath>> open_datapath(const AgentConfig& config,
                                                const std::function<void(const Error&)>& report);

/// Removes everything that any of them left in the kernel. Tries all; the first error is returned.
Result<> clean_up_datapaths(const AgentConfig& config,
                            const std::function<void(const Error&)>& report);

}  // namespace fairlead
