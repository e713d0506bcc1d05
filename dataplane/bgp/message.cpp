// Names of what is logged and counted.
#include "dataplane/bgp/message.hpp"

namespace fairlead::bgp {

std::string_view to_string(Consequence consequence) {
  switch (consequence) {
    case Consequence::kAttributeDiscard:
      return "attribute-discard";
    case Consequence::kTreatAsWithdraw:
      return "treat-as-withdraw";
    case Consequence::kSessionReset:
      return "session-reset";
  }
  return "";
}

}  // namespace fairlead::bgp
