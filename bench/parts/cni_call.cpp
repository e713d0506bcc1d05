// configuration -> a file; the plugin's process -> time, and what it said.
#include "bench/parts/cni_call.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <vector>

#include "dataplane/kernel/fd.hpp"

namespace fairlead::bench {
namespace {

/// A file without a name that holds `text`.
Result<Fd> file_of(const std::string& text) {
  Fd file(::memfd_create("cni", MFD_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return system_error(errno, "write a plugin's input");
  return file;
}
/// Each call needs a description of the input of its own, hence by path.
std::string path_of(const Fd& file) {
  return fmt::format("/proc/{}/fd/{}", ::getpid(), file.get());
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_of(const PluginCall& call) {
  return {std::string("CNI_COMMAND=") + call.verb,
          "CNI_CONTAINERID=" + call.container,
          "CNI_NETNS=" + call.pod,
          "CNI_IFNAME=eth0",
          "CNI_PATH=/opt/cni/bin:/usr/lib/cni:/usr/libexec/cni",
          "PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
}

std::string said(const Fd& output) {
  std::string text(4096, '\0');
  const ssize_t got = ::pread(output.get(), text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

}  // namespace

Result<PluginAnswer> call_plugin(const PluginCall& call) {
  using Clock = std::chrono::steady_clock;
  TRY(const Fd input, file_of(call.plugin.config()));
  TRY(const Fd output, file_of(""));
  const auto words = pointers_to(call.plugin.words());
  const auto texts = environment_of(call);
  const auto environment = pointers_to(texts);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, 0, path_of(input).c_str(), O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, output.get(), 1);
  ::posix_spawn_file_actions_adddup2(&files, output.get(), 2);
  const auto start = Clock::now();
  pid_t pid = 0;
  const int error =
      ::posix_spawn(&pid, words[0], &files, nullptr, words.data(), environment.data());
  int status = 0;
  if (error == 0) ::waitpid(pid, &status, 0);
  const double took = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  ::posix_spawn_file_actions_destroy(&files);
  if (error != 0) return system_error(error, "start a plugin");
  if (status != 0) return invalid(fmt::format("{}: {}", call.verb, said(output)));
  return PluginAnswer{took, said(output)};
}

}  // namespace fairlead::bench
