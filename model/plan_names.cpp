// The values of a plan -> the words that users read and scripts compare.
#include "model/plan_names.hpp"

namespace fairlead {

std::string_view name_of(FrontendKind kind) {
  switch (kind) {
    case FrontendKind::kClusterIp:
      return "ClusterIP";
    case FrontendKind::kNodePort:
      return "NodePort";
    case FrontendKind::kLoadBalancer:
      return "LoadBalancer";
    case FrontendKind::kExternalIp:
      return "ExternalIP";
    case FrontendKind::kHostPort:
      return "HostPort";
  }
  return {};
}

std::string_view name_of(Scope scope) {
  switch (scope) {
    case Scope::kInternal:
      return "internal";
    case Scope::kHost:
      return "host";
    case Scope::kExternal:
      return "external";
  }
  return {};
}

std::string_view name_of(Action action) {
  switch (action) {
    case Action::kForward:
      return "forward";
    case Action::kReject:
      return "reject";
    case Action::kDrop:
      return "drop";
  }
  return {};
}

std::string_view name_of(BackendState state) {
  switch (state) {
    case BackendState::kActive:
      return "active";
    case BackendState::kTerminating:
      return "terminating";
  }
  return {};
}

}  // namespace fairlead
