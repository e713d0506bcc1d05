// What this kernel can do for the agent, found by trying.
#pragma once

#include <string>
#include <vector>

namespace fairlead {

struct Feature {
  std::string name;
  bool available = false;
  std::string detail;  // why not, or which
};

/// Changes nothing; the kernel may load its module of connection tracking. As another user than
/// root much is unavailable.
std::vector<Feature> probe_features();

}  // namespace fairlead
