// fairlead-cni: what a container runtime starts for each pod that comes or goes.
//
//   environment, stdin -> cni::parse_request -> CNI_NETNS as a descriptor -> agent -> stdout
//
// It decides nothing about the network. What can be refused without the agent is refused here, and
// without an agent a DEL still succeeds: pods must be removable while the agent is being replaced.
#include <stdlib.h>
#include <unistd.h>

#include "cni-plugin/agent_call.hpp"
#include "cni-plugin/deletion_note.hpp"
#include "cni-plugin/pod_namespace.hpp"
#include "cni-plugin/streams.hpp"
#include "cni/request.hpp"

namespace fairlead::cni {
namespace {

/// Less than kubelet waits for a runtime (2 minutes), so that it learns the reason.
constexpr int kSecondsForAll = 90;

Environment read_environment() {
  Environment environment;
  for (const Variable& variable : kVariables) {
    if (const char* value = ::getenv(variable.name)) environment.*variable.value = value;
  }
  return environment;
}

Answer refuse(Failure failure, const Request& request) {
  failure.version = request.version;
  return {1, to_json(failure)};
}

/// The pod's namespace, or -1 for commands that have none. A DEL comes without one, or after its
/// end, as well.
Outcome<int> open_namespace(const Request& request) {
  const bool must_exist = request.command == Command::kAdd || request.command == Command::kCheck;
  if (request.attachment.sandbox.empty()) return -1;
  auto netns = open_pod_namespace(request.attachment.sandbox);
  if (netns) return *netns;
  if (!must_exist) return -1;
  return fail(Code::kInvalidNetns, "not a network namespace of a pod", netns.error().doing);
}

/// What can be done without the agent is done: the interface goes, and a note is left for the
/// agent. Then the agent is asked once more: one that began to listen before the note was there has
/// not seen it. Where the note cannot be written (a full disk) the DEL succeeds all the same: when
/// its namespace is gone, and it is about to go, the agent's start frees what the pod had.
Answer delete_without_agent(const Request& request, const Question& question, int netns,
                            const Deadline& deadline) {
  const auto& key = request.attachment.key;
  const std::uint64_t cookie = netns < 0 ? 0 : clear_pod_namespace(netns, key.interface);
  const auto note = write_note(request.state_directory, {.key = key, .netns_cookie = cookie});
  const auto answer = ask_agent(request.runtime_directory, question, netns, deadline);
  if (note && answer && answer->exit == 0) ::unlink(note->c_str());
  return {0, ""};
}

Answer answer_without_agent(const Request& request, const Error& error) {
  const bool is_status = request.command == Command::kStatus;
  return refuse({.code = is_status ? Code::kNotAvailable : Code::kTryAgain,
                 .message = is_status ? "the agent does not answer"
                                      : "the agent does not answer, try again later",
                 .details = error.doing},
                request);
}

Answer serve(const Environment& environment, const std::string& config) {
  const auto request = parse_request(environment, config);
  if (!request) return {1, to_json(request.error())};
  if (request->command == Command::kVersion) return {0, version_answer(config)};
  const auto netns = open_namespace(*request);
  if (!netns) return refuse(netns.error(), *request);
  const Question question{environment_of(environment, *request), config};
  const auto deadline = Deadline::after(kSecondsForAll);
  const auto answer = ask_agent(request->runtime_directory, question, *netns, deadline);
  if (answer) return *answer;
  if (request->command == Command::kDel) {
    return delete_without_agent(*request, question, *netns, deadline);
  }
  return answer_without_agent(*request, answer.error());
}

int run() {
  open_standard_streams();
  const auto config = read_standard_input(kConfigBytes);
  const Answer answer =
      config ? serve(read_environment(), *config)
             : Answer{1, to_json(Failure{.code = Code::kIo,
                                         .message = "the network configuration cannot be read",
                                         .details = config.error().doing})};
  if (answer.output.empty()) return answer.exit;
  return write_standard_output(answer.output + "\n") ? answer.exit : 1;
}

}  // namespace
}  // namespace fairlead::cni

int main() { return fairlead::cni::run(); }
