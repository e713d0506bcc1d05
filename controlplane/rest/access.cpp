// Two kinds of client are known, so the rules are a table and not an engine.
#include "controlplane/rest/access.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace fairlead::rest {
namespace {

constexpr std::array<NodeWrite, 8> kNodeWrites{{
    {"", "nodes", ""},
    {"", "nodes", "status"},
    {"", "pods", ""},
    {"", "pods", "status"},
    {"", "services", "status"},
    {"", "events", ""},
    {"events.k8s.io", "events", ""},
    {"coordination.k8s.io", "leases", ""},
}};

std::string digest_of(std::string_view token) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

bool Identity::is_in(std::string_view group) const {
  return std::ranges::find(groups, group) != groups.end();
}

std::span<const NodeWrite> node_writes() { return kNodeWrites; }

void Authenticator::add_token(const std::string& token, Identity identity) {
  by_token_digest_[digest_of(token)] = std::move(identity);
}

std::optional<Identity> Authenticator::identify(const http::Request& request) const {
  std::optional<Identity> found;
  if (!request.peer.common_name.empty()) {
    found = Identity{request.peer.common_name, request.peer.organizations};
  } else {
    std::string_view header = request.header("Authorization");
    constexpr std::string_view kScheme = "Bearer ";
    if (!header.starts_with(kScheme)) return std::nullopt;
    const auto known = by_token_digest_.find(digest_of(header.substr(kScheme.size())));
    if (known == by_token_digest_.end()) return std::nullopt;
    found = known->second;
  }
  found->groups.emplace_back("system:authenticated");
  return found;
}

bool is_allowed(const Identity& identity, const Action& action) {
  if (identity.is_in(kAdminGroup)) return true;
  const bool asks_about_itself =
      action.group == "authorization.k8s.io" || action.group == "authentication.k8s.io";
  if (!action.path.empty() || asks_about_itself) return true;
  if (!identity.is_in(kNodesGroup)) return false;
  if (action.verb == "get" || action.verb == "list" || action.verb == "watch") return true;
  if (action.verb == "deletecollection") return false;
  return std::ranges::any_of(kNodeWrites, [&](const NodeWrite& write) {
    return write.group == action.group && write.resource == action.resource &&
           write.subresource == action.subresource;
  });
}

api::StatusError unauthorized() { return {401, "Unauthorized", "Unauthorized", {}}; }

api::StatusError forbidden_action(const Identity& identity, const Action& action) {
  std::string resource = action.resource;
  if (!action.subresource.empty()) resource += "/" + action.subresource;
  std::string what = action.resource;
  if (!action.group.empty()) what += "." + action.group;
  if (!action.name.empty()) what += " " + quoted(action.name);
  std::string message = what + " is forbidden: User " + quoted(identity.user) + " cannot " +
                        action.verb + " resource " + quoted(resource) + " in API group " +
                        quoted(action.group);
  message += action.ns.empty() ? " at the cluster scope" : " in the namespace " + quoted(action.ns);
  boost::json::object details{{"kind", action.resource}};
  if (!action.name.empty()) details["name"] = action.name;
  if (!action.group.empty()) details["group"] = action.group;
  return {403, "Forbidden", std::move(message), std::move(details)};
}

}  // namespace fairlead::rest
