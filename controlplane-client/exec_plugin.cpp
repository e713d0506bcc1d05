// ExecPlugin -> a child process, without a shell -> its standard output -> ExecCredential.
//
// The child is told what is asked for by KUBERNETES_EXEC_INFO, as client-go does. It is not
// interactive: its standard input is /dev/null. Its end is its closing of standard output and its
// exit status; one that takes too long is killed.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <csignal>

#include "controlplane-client/credentials.hpp"
#include "objects/decode.hpp"

extern char** environ;

namespace fairlead::client {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kLongestAnswer = std::size_t{1} << 20;

// A child that is killed and reaped unless it was reaped before.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  // The exit status in waitpid's form, once it has one.
  std::optional<int> reap() {
    int status = 0;
    if (pid_ < 0 || waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> child_environment(const ExecPlugin& plugin) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  for (const auto& [name, value] : plugin.environment) variables.push_back(name + '=' + value);
  const json::object info{{"apiVersion", plugin.api_version},
                          {"kind", "ExecCredential"},
                          {"spec", {{"interactive", false}}}};
  variables.push_back("KUBERNETES_EXEC_INFO=" + json::serialize(info));
  return variables;
}

struct Started {
  Child child;
  int output;  // the reading end of the child's standard output
};

Result<Started> start(const ExecPlugin& plugin) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return system_error(errno, "pipe");
  std::vector<std::string> arguments{plugin.command};
  arguments.insert(arguments.end(), plugin.arguments.begin(), plugin.arguments.end());
  std::vector<std::string> variables = child_environment(plugin);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, plugin.command.c_str(), &actions, nullptr,
                                 pointers(arguments).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    return system_error(error, "start");
  }
  return Started{Child(pid), ends[0]};
}

asio::awaitable<Result<std::string>> collect(Started started) {
  const auto executor = co_await asio::this_coro::executor;
  asio::posix::stream_descriptor output(executor, started.output);
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const auto [error, count] = co_await output.async_read_some(asio::buffer(buffer), kToTuple);
    if (error == asio::error::eof) break;
    if (error) co_return failure(error, "read its output");
    text.append(buffer.data(), count);
    if (text.size() > kLongestAnswer) co_return invalid("its output is larger than 1 MiB");
  }
  asio::steady_timer timer(executor);
  std::optional<int> status;
  while (!(status = started.child.reap())) {  // it closed its output, so it is about to exit
    timer.expires_after(std::chrono::milliseconds(10));
    co_await timer.async_wait(kToTuple);
  }
  if (!WIFEXITED(*status))
    co_return invalid("was killed by signal " + std::to_string(WTERMSIG(*status)));
  if (WEXITSTATUS(*status) != 0)
    co_return invalid("exit status " + std::to_string(WEXITSTATUS(*status)));
  co_return text;
}

std::string text_at(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains(field);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

Result<ExecCredential> parse_exec_credential(const ExecPlugin& plugin, const std::string& text) {
  boost::system::error_code error;
  const json::value answer = json::parse(text, error);
  if (error || !answer.is_object()) return invalid("its output is not an ExecCredential");
  const json::object& object = answer.get_object();
  if (text_at(object, "kind") != "ExecCredential")
    return invalid("its output: kind: must be ExecCredential");
  if (text_at(object, "apiVersion") != plugin.api_version) {
    return invalid("its output: apiVersion: must be " + plugin.api_version);
  }
  const json::value* status = object.if_contains("status");
  if (status == nullptr || !status->is_object()) return invalid("its output: status: required");
  const json::object& fields = status->get_object();
  ExecCredential credential;
  credential.token = text_at(fields, "token");
  credential.certificate.text = text_at(fields, "clientCertificateData");
  credential.key.text = text_at(fields, "clientKeyData");
  if (credential.certificate.empty() != credential.key.empty()) {
    return invalid("its output: status: clientCertificateData and clientKeyData belong together");
  }
  if (credential.token.empty() && credential.certificate.empty()) {
    return invalid("its output: status: neither a token nor a certificate");
  }
  if (const std::string expires = text_at(fields, "expirationTimestamp"); !expires.empty()) {
    auto time = parse_time(expires);
    if (!time) return prefix("its output: status.expirationTimestamp", std::move(time).error());
    credential.expires = *time;
  }
  return credential;
}

asio::awaitable<Result<ExecCredential>> run_exec_plugin(ExecPlugin plugin, Timing::Duration limit) {
  using asio::experimental::awaitable_operators::operator||;
  auto started = start(plugin);
  if (!started) co_return tl::unexpected(std::move(started).error());
  asio::steady_timer timer(co_await asio::this_coro::executor, limit);
  auto outcome = co_await (collect(*std::move(started)) || timer.async_wait(kToTuple));
  auto* text = std::get_if<0>(&outcome);
  if (text == nullptr) co_return invalid("no answer in time");
  if (!*text) co_return tl::unexpected(std::move(*text).error());
  co_return parse_exec_credential(plugin, **text);
}

}  // namespace fairlead::client
