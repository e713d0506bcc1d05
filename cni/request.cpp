// Environment, then the members that every command has, then what the command is about.
#include "cni/request.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "cni/fields.hpp"
#include "cni/names.hpp"
#include "cni/wishes.hpp"
#include "model/quoted.hpp"

namespace fairlead::cni {

namespace json = boost::json;

namespace {

constexpr std::string_view kInvalid = "the network configuration is not valid";

Outcome<json::value> parse_config(std::string_view text) {
  if (text.size() > kConfigBytes) {
    return fail(Code::kInvalidConfig, std::string(kInvalid), "longer than 480 KiB");
  }
  boost::system::error_code error;
  json::value config = json::parse(text, error);
  if (error || !config.is_object()) {
    return fail(Code::kDecoding, "the network configuration is not a JSON object",
                error ? error.message() : "");
  }
  return config;
}

std::string all_versions() {
  std::string all;
  for (const std::string_view version : kVersions) {
    all += all.empty() ? "" : ", ";
    all += version;
  }
  return all;
}

/// The first version that has the command.
Version first_with(Command command) {
  switch (command) {
    case Command::kCheck:
      return Version::k040;
    case Command::kGc:
    case Command::kStatus:
      return Version::k110;
    default:
      return Version::k030;
  }
}

Outcome<> read_version(const Fields& config, Request& request) {
  TRY(const auto text, config.string("cniVersion"));
  // libcni takes a configuration without a version for one of 0.1.0.
  const auto version = parse_version(text.value_or("0.1.0"));
  if (!version) {
    return fail(Code::kIncompatibleVersion, "the CNI version is not supported",
                "cniVersion: " + (text ? quoted(*text) : "missing, which means 0.1.0") +
                    "; supported: " + all_versions());
  }
  request.version = *version;
  if (*version < first_with(request.command)) {
    return fail(Code::kIncompatibleVersion, "the CNI version does not have this command",
                "cniVersion: " + std::string(to_string(*version)) +
                    "; needed: " + std::string(to_string(first_with(request.command))));
  }
  return {};
}

/// The directory of a socket must leave room in a socket's address (108 bytes).
Outcome<> read_directory(const Fields& config, std::string_view key, std::size_t most_bytes,
                         std::string& directory) {
  TRY(const auto text, config.string(key));
  if (!text || text->empty()) return {};
  if (!is_path(*text, most_bytes)) {
    return wrong_field(config.path_of(key), quoted(*text) + " is not an absolute path of at most " +
                                                std::to_string(most_bytes) + " bytes without ..");
  }
  directory = *text;
  return {};
}

Outcome<> read_common(const Fields& config, Request& request) {
  TRY(const auto name, config.string("name"));
  if (!name || name->empty()) return wrong_field("name", "missing");
  if (!is_name(*name, kNetworkBytes)) {
    return wrong_field("name",
                       quoted(*name) + " is not a name of at most 64 letters, digits, _ . -");
  }
  request.attachment.key.network = *name;
  TRY(const auto type, config.string("type"));
  if (!type || type->empty()) return wrong_field("type", "missing");
  TRY_VOID(read_directory(config, "runtimeDirectory", 90, request.runtime_directory));
  return read_directory(config, "stateDirectory", 512, request.state_directory);
}

Outcome<podnet::AttachmentKey> read_valid(const json::value& value, const std::string& path,
                                          const std::string& network) {
  TRY(const Fields entry, as_fields(value, path));
  TRY(const auto container, entry.string("containerID"));
  TRY(const auto interface, entry.string("ifname"));
  // One that cannot be understood ends the GC: the pod behind it may live.
  if (!is_name(container.value_or(""), kContainerBytes)) {
    return wrong_field(entry.path_of("containerID"), "not a container's name");
  }
  if (!is_interface_name(interface.value_or(""))) {
    return wrong_field(entry.path_of("ifname"), "not an interface's name");
  }
  return podnet::AttachmentKey{network, std::string(*container), std::string(*interface)};
}

Outcome<> read_valid_attachments(const Fields& config, Request& request) {
  std::string key = "cni.dev/valid-attachments";
  if (config.find(key) == nullptr) key = "cni.dev/attachments";  // older libcni
  TRY(const auto list, config.array(key));
  // Without the list all would be garbage, and nobody means that.
  if (list == nullptr) return wrong_field("cni.dev/valid-attachments", "missing");
  for (std::size_t i = 0; i < list->size(); ++i) {
    TRY(auto valid, read_valid((*list)[i], path_of(key, i), request.attachment.key.network));
    request.valid_attachments.push_back(std::move(valid));
  }
  return {};
}

Outcome<> check_list_of_objects(const Fields& result, std::string_view key) {
  TRY(const auto list, result.array(key));
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    TRY_VOID(as_fields((*list)[i], path_of(result.path_of(key), i)));
  }
  return {};
}

/// Its lists are lists of objects, so that ours can be added to them.
Outcome<> read_previous(const Fields& config, Request& request) {
  TRY(const auto previous, config.object("prevResult"));
  if (!previous) return {};
  for (const char* key : {"interfaces", "ips", "routes"}) {
    TRY_VOID(check_list_of_objects(*previous, key));
  }
  TRY_VOID(previous->object("dns"));
  request.previous = previous->json();
  return {};
}

Outcome<> read_dns(const Fields& config, Request& request) {
  TRY(const auto dns, config.object("dns"));
  if (!dns) return {};
  TRY_VOID(dns->string("domain"));
  for (const char* key : {"nameservers", "search", "options"}) {
    TRY(const auto list, dns->array(key));
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      TRY_VOID(as_string((*list)[i], path_of(dns->path_of(key), i)));
    }
  }
  request.dns = dns->json();
  return {};
}

Outcome<> read_add(const Environment& environment, const Fields& config, Request& request) {
  TRY(const Args args, parse_args(environment.args));
  request.attachment.pod = args.pod;
  TRY_VOID(read_previous(config, request));
  TRY_VOID(read_dns(config, request));
  return read_wishes(config, args, request.attachment);
}

Outcome<> read_check(const Fields& config, Request& request) {
  TRY_VOID(read_previous(config, request));
  if (request.previous.empty()) return wrong_field("prevResult", "missing");
  return {};
}

Outcome<> read(const Environment& environment, std::string_view text, Request& request) {
  TRY(request.command, parse_command(environment));
  if (request.command == Command::kVersion) return {};
  TRY_VOID(check_variables(environment, request.command));
  TRY(const json::value config, parse_config(text));
  const Fields fields(config.get_object(), "");
  TRY_VOID(read_version(fields, request));
  TRY_VOID(read_common(fields, request));
  if (request.command == Command::kStatus) return {};
  if (request.command == Command::kGc) return read_valid_attachments(fields, request);
  request.attachment.key.container = environment.container;
  request.attachment.key.interface = environment.interface;
  if (is_path(environment.netns, kSandboxBytes)) request.attachment.sandbox = environment.netns;
  if (request.command == Command::kAdd) return read_add(environment, fields, request);
  if (request.command == Command::kCheck) return read_check(fields, request);
  return {};
}

}  // namespace

Outcome<Request> parse_request(const Environment& environment, std::string_view config) {
  Request request;
  auto outcome = read(environment, config, request);
  if (!outcome) {
    outcome.error().version = request.version;
    return tl::unexpected(std::move(outcome).error());
  }
  return request;
}

Environment environment_of(const Environment& given, const Request& request) {
  const bool is_add = request.command == Command::kAdd;
  return {.command = given.command,
          .container = request.attachment.key.container,
          .netns = request.attachment.sandbox,
          .interface = request.attachment.key.interface,
          .args = is_add ? given.args : "",
          .path = given.path.empty() ? "" : "/"};  // nobody looks at more than that it is there
}

std::string version_answer(std::string_view config) {
  std::string echoed(to_string(kNewest));
  boost::system::error_code error;
  const json::value value = json::parse(config, error);
  if (!error && value.is_object()) {
    const auto given = Fields(value.get_object(), "").string("cniVersion");
    if (given && *given && is_name(**given, 32)) echoed = **given;
  }
  json::array versions;
  for (const std::string_view version : kVersions) versions.emplace_back(version);
  return json::serialize(
      json::object{{"cniVersion", echoed}, {"supportedVersions", std::move(versions)}});
}

}  // namespace fairlead::cni
