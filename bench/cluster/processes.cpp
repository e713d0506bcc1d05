// fork, exec of this same executable -> until it says by HTTP that it is ready.
#include "bench/cluster/processes.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "bench/cluster/api.hpp"

namespace fairlead::bench {
namespace {

constexpr std::uint16_t kHealthPort = 10256;

ChildSetting in(const Namespace& where) {
  return {.network_namespace = where.fd(), .cgroup = {}, .cpu = {}, .hurries = false};
}

/// Starts it with its output in `log`.
Result<Child> start(const std::vector<std::string>& words, const Namespace& where,
                    const std::string& log) {
  std::string line = "exec \"$@\" >" + log + " 2>&1";
  std::vector<std::string> shell{"/bin/sh", "-c", line, "sh"};
  shell.insert(shell.end(), words.begin(), words.end());
  return start_command(in(where), {.words = shell, .input = {}, .environment = {}});
}

/// What it said last, for an error.
std::string tail_of(const std::string& log) {
  std::ostringstream text;
  text << std::ifstream(log).rdbuf();
  std::string all = text.str();
  while (all.ends_with('\n')) all.pop_back();
  return all.size() <= 500 ? all : all.substr(all.size() - 500);
}

/// GET /readyz of loopback answers 200; the calling thread's namespace.
bool is_ready(std::uint16_t port) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return false;
  constexpr std::string_view kRequest =
      "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  constexpr std::string_view kGood = "HTTP/1.1 200";
  std::array<char, kGood.size()> answer{};
  return ::send(fd.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) ==
             static_cast<ssize_t>(kRequest.size()) &&
         ::recv(fd.get(), answer.data(), answer.size(), MSG_WAITALL) ==
             static_cast<ssize_t>(answer.size()) &&
         std::string_view(answer.data(), answer.size()) == kGood;
}

}  // namespace

Result<> wait_until(const std::function<bool()>& holds, const std::string& what,
                    std::chrono::seconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end)
      return invalid(fmt::format("{}: not within {} s", what, limit.count()));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return {};
}

namespace {

Result<> become_ready(const Child& process, const std::function<bool()>& is_ready_now) {
  bool is_up = false;
  TRY_VOID(
      wait_until([&] { return (is_up = is_ready_now()) || !process.is_running(); }, "it is ready"));
  return is_up ? Result<>{} : invalid("it ended");
}

}  // namespace

Result<ControlPlane> ControlPlane::start(const std::string& self, const Namespace& where,
                                         const std::string& data, const std::string& service_cidr) {
  std::filesystem::create_directories(data);
  const std::string log = data + "/controlplane.log", kubeconfig = data + "/admin.kubeconfig";
  TRY(Child process, bench::start({self, "controlplane", "--data-dir", data, "--listen",
                                   "127.0.0.1:6443", "--service-cidr", service_cidr},
                                  where, log));
  const auto answers = [&] {
    return where
        .run([&]() -> Result<> {
          TRY(const auto api, Api::open(kubeconfig));
          TRY([[maybe_unused]] const auto namespaces, api->get("/api/v1/namespaces/default"));
          return {};
        })
        .has_value();
  };
  if (const auto up = become_ready(process, answers); !up)
    return prefix("fairlead controlplane: " + tail_of(log), up.error());
  return ControlPlane(std::move(process), kubeconfig);
}

Result<Agent> Agent::start(const AgentSetting& setting, const Namespace& where) {
  const std::string& directory = setting.directory;
  std::filesystem::create_directories(directory + "/state");
  const std::string log = directory + "/agent.log", config = directory + "/agent.yaml";
  std::ofstream(config) << fmt::format(
      "apiVersion: fairlead.io/v1alpha1\nkind: AgentConfiguration\nnodeName: {}\nkubeconfig: {}\n"
      "datapath: {}\nclusterCIDRs: [\"{}\"]\nserviceCIDRs: [\"{}\"]\nruntimeDirectory: {}/run\n"
      "stateDirectory: {}/state\npinDirectory: {}\ncgroup: {}\n{}",
      setting.node_name, setting.kubeconfig, setting.datapath, setting.cluster_cidr,
      setting.service_cidr, directory, directory, setting.pins, setting.cgroup, setting.more);
  TRY(Child process, bench::start({setting.self, "agent", "--config", config}, where, log));
  const auto ready = [&] {
    return where
        .run([]() -> Result<> { return is_ready(kHealthPort) ? Result<>{} : invalid("not ready"); })
        .has_value();
  };
  if (const auto up = become_ready(process, ready); !up)
    return prefix("fairlead agent: " + tail_of(log), up.error());
  return Agent(std::move(process));
}

double status_mib_of(int pid, const std::string& field) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) / 1024;
  return 0;
}

double cpu_seconds_of(int pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text);
  // The name, which may hold anything, ends with the last parenthesis; user time is 12 fields on.
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace fairlead::bench
