// A request as a value: what the runtime's environment and configuration say, checked.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cni/environment.hpp"
#include "cni/failure.hpp"
#include "dataplane/podnet/attachment.hpp"

namespace fairlead::cni {

/// Of a configuration: room for the list that GC gets for two thousand pods, twice.
inline constexpr std::size_t kConfigBytes = 480 * 1024;
/// Of a message to the agent or from it: a configuration as a JSON string, at most two bytes for
/// each of its own, and the environment.
inline constexpr std::size_t kMessageBytes = 2 * kConfigBytes + 64 * 1024;

struct Request {
  Command command = Command::kVersion;
  Version version = kNewest;
  /// GC, STATUS: key.network alone. DEL, CHECK: the key and the sandbox (of DEL: if it can be one).
  /// ADD: all.
  podnet::AttachmentRequest attachment;
  std::vector<podnet::AttachmentKey> valid_attachments;  // GC: those that stay
  boost::json::object previous;                          // prevResult of ADD and CHECK; empty: none
  boost::json::object dns;                               // of the configuration, for the result
  std::string runtime_directory = "/run/fairlead", state_directory = "/var/lib/fairlead";
};

/// What is not used by a command is not judged: a DEL must not fail for what an ADD would refuse.
Outcome<Request> parse_request(const Environment& environment, std::string_view config);

/// What the agent must be told of the environment, all of it UTF-8 and acceptable to parse_request.
Environment environment_of(const Environment& given, const Request& request);

/// What VERSION answers. `config` may be anything: its cniVersion is echoed if there is one.
std::string version_answer(std::string_view config);

}  // namespace fairlead::cni
