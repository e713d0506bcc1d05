// Variables -> what they say, or code 4, which names them.
#include "cni/environment.hpp"

#include <algorithm>
#include <array>

#include "cni/names.hpp"
#include "model/quoted.hpp"

namespace fairlead::cni {
namespace {

constexpr std::size_t kArgsBytes = 8192;

struct Verb {
  std::string_view name;
  Command command;
  bool for_a_container;  // needs CNI_CONTAINERID and CNI_IFNAME
  bool in_a_namespace;   // needs CNI_NETNS; DEL takes it if it is there
};
constexpr Verb kVerbs[] = {
    {"ADD", Command::kAdd, true, true},         {"DEL", Command::kDel, true, false},
    {"CHECK", Command::kCheck, true, true},     {"GC", Command::kGc, false, false},
    {"STATUS", Command::kStatus, false, false}, {"VERSION", Command::kVersion, false, false},
};

tl::unexpected<Failure> wrong(const char* variable, std::string_view value, const char* what) {
  return fail(Code::kInvalidEnvironment, std::string(variable) + " is not " + what, quoted(value));
}

Outcome<> check_values(const Environment& environment, const Verb& verb) {
  if (!verb.for_a_container) return {};
  if (!is_name(environment.container, kContainerBytes)) {
    return wrong("CNI_CONTAINERID", environment.container,
                 "a name of at most 160 letters, digits, _ . -");
  }
  if (!is_interface_name(environment.interface)) {
    return wrong("CNI_IFNAME", environment.interface,
                 "an interface's name: 1 to 15 characters without / and :");
  }
  if (verb.in_a_namespace && !is_path(environment.netns, kSandboxBytes)) {
    return wrong("CNI_NETNS", environment.netns, "an absolute path");
  }
  return {};
}

/// As Go's types.UnmarshallableBool.
std::optional<bool> parse_bool(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (lower == "1" || lower == "true") return true;
  if (lower == "0" || lower == "false") return false;
  return std::nullopt;
}

Outcome<> check_identity(const podnet::PodIdentity& pod) {
  constexpr std::size_t kMostBytes = 253;
  const std::pair<const char*, const std::string&> parts[] = {
      {"CNI_ARGS: K8S_POD_NAMESPACE", pod.pod_namespace},
      {"CNI_ARGS: K8S_POD_NAME", pod.name},
      {"CNI_ARGS: K8S_POD_UID", pod.uid}};
  for (const auto& [name, value] : parts) {
    if (!value.empty() && !is_name(value, kMostBytes)) {
      return wrong(name, value, "a name of at most 253 letters, digits, _ . -");
    }
  }
  return {};
}

/// Where the value of a key goes; nullptr: nobody's.
std::string* place_of(std::string_view key, Args& args, std::string& ignored) {
  const std::pair<std::string_view, std::string*> places[] = {
      {"K8S_POD_NAMESPACE", &args.pod.pod_namespace},
      {"K8S_POD_NAME", &args.pod.name},
      {"K8S_POD_UID", &args.pod.uid},
      {"IP", &args.ips},
      {"MAC", &args.mac},
      {"K8S_POD_INFRA_CONTAINER_ID", &ignored}};
  const auto* found =
      std::ranges::find(places, key, &std::pair<std::string_view, std::string*>::first);
  return found == std::end(places) ? nullptr : found->second;
}

}  // namespace

Outcome<Command> parse_command(const Environment& environment) {
  if (environment.command.empty()) {
    return fail(Code::kInvalidEnvironment, "environment variables are missing", "CNI_COMMAND");
  }
  const auto* verb = std::ranges::find(kVerbs, environment.command, &Verb::name);
  if (verb == std::end(kVerbs)) {
    return wrong("CNI_COMMAND", environment.command, "ADD, DEL, CHECK, GC, STATUS or VERSION");
  }
  return verb->command;
}

Outcome<> check_variables(const Environment& environment, Command command) {
  const Verb& verb = kVerbs[static_cast<std::size_t>(command)];
  std::string missing;
  const auto need = [&](bool needed, const char* name, const std::string& value) {
    if (!needed || !value.empty()) return;
    if (!missing.empty()) missing += ", ";
    missing += name;
  };
  need(verb.for_a_container, "CNI_CONTAINERID", environment.container);
  need(verb.in_a_namespace, "CNI_NETNS", environment.netns);
  need(verb.for_a_container, "CNI_IFNAME", environment.interface);
  need(command != Command::kVersion, "CNI_PATH", environment.path);
  if (!missing.empty()) {
    return fail(Code::kInvalidEnvironment, "environment variables are missing", missing);
  }
  return check_values(environment, verb);
}

Outcome<Args> parse_args(std::string_view text) {
  if (text.size() > kArgsBytes) {
    return fail(Code::kInvalidEnvironment, "CNI_ARGS is longer than 8192 bytes");
  }
  // Also what is ignored must be text: all of it is sent to the agent as JSON.
  if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) {
    return fail(Code::kInvalidEnvironment, "CNI_ARGS is not printable ASCII");
  }
  Args args;
  bool ignore_unknown = false;
  std::string unknown, ignored;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return wrong("CNI_ARGS", pair, "of the form KEY=VALUE");
    const std::string_view key = pair.substr(0, equals), value = pair.substr(equals + 1);
    if (key == "IgnoreUnknown") {
      const auto parsed = parse_bool(value);
      if (!parsed) return wrong("CNI_ARGS: IgnoreUnknown", value, "0, 1, true or false");
      ignore_unknown = *parsed;
    } else if (std::string* place = place_of(key, args, ignored)) {
      *place = value;
    } else if (unknown.empty()) {
      unknown = quoted(key);
    }
  }
  if (!unknown.empty() && !ignore_unknown) {
    return fail(Code::kInvalidEnvironment, "CNI_ARGS has an unknown key, without IgnoreUnknown=1",
                unknown);
  }
  TRY_VOID(check_identity(args.pod));
  return args;
}

}  // namespace fairlead::cni
