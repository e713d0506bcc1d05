// The one place that knows every datapath by name.
#pragma once

#include <functional>
#include <memory>
#include <string>
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

/// Opens all but the one in use: they may have been in use before. `refused` gets a line for each
/// that this kernel cannot do, of which nothing can be left.
std::vector<std::unique_ptr<Datapath>> open_former_datapaths(
    const AgentConfig& config, std::string_view in_use,
    const std::function<void(const Error&)>& report, std::vector<std::string>& refused);

/// Removes everything that any of them left in the kernel. Tries all; the first error is returned.
Result<> clean_up_datapaths(const AgentConfig& config,
                            const std::function<void(const Error&)>& report);

}  // namespace fairlead
