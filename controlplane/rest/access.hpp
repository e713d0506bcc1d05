// Who asks, and what they may do.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/api/status.hpp"
#include "http/message.hpp"

namespace fairlead::rest {

struct Identity {
  std::string user;
  std::vector<std::string> groups;

  [[nodiscard]] bool is_in(std::string_view group) const;
};

inline constexpr std::string_view kAdminGroup = "system:masters";
inline constexpr std::string_view kNodesGroup = "system:nodes";

/// A client certificate's subject (CN is the user, each O a group), or a bearer token.
class Authenticator {
 public:
  void add_token(const std::string& token, Identity identity);
  /// nullopt: 401.
  [[nodiscard]] std::optional<Identity> identify(const http::Request& request) const;

 private:
  // By SHA-256: finding one takes as long as not finding it, whatever its first letters.
  std::map<std::string, Identity, std::less<>> by_token_digest_;
};

/// What is asked for; `verb` in Kubernetes' words: get, list, watch, create, update, patch, delete,
/// deletecollection.
struct Action {
  std::string verb;
  std::string group, resource, subresource, ns, name;
  std::string path;  // of what is no resource: /version; then the rest is empty
};

struct NodeWrite {
  std::string_view group, resource, subresource;
};
/// What agents may create, change and delete.
std::span<const NodeWrite> node_writes();

/// Administrators may do everything. Nodes may read everything, and write what an agent reports:
/// Nodes, Pods' and Services' status, Leases, Events.
bool is_allowed(const Identity& identity, const Action& action);

api::StatusError unauthorized();
/// `services is forbidden: User "x" cannot list resource "services" in API group "" in the
/// namespace "default"`
api::StatusError forbidden_action(const Identity& identity, const Action& action);

}  // namespace fairlead::rest
