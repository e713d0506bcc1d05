// fork, setns, exec; killed and waited for at the end.
#include "tests/netns/bgp/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>

namespace fairlead::test {

void eventually(const std::string& what, const std::function<bool()>& is_true,
                const std::function<void()>& wait) {
  constexpr std::chrono::seconds kLimit{30};
  constexpr int kMoment = 20;  // ms
  const auto end = std::chrono::steady_clock::now() + kLimit;
  while (!is_true()) {
    if (std::chrono::steady_clock::now() > end) {
      ADD_FAILURE() << "never true: " << what;
      return;
    }
    if (wait)
      wait();
    else
      ::poll(nullptr, 0, kMoment);
  }
}

Process::Process(const std::string& network_namespace, std::vector<std::string> arguments,
                 const std::string& output, const std::function<void()>& prepare) {
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(125);
  const int space = ::open(("/run/netns/" + network_namespace).c_str(), O_RDONLY | O_CLOEXEC);
  if (::setns(space, CLONE_NEWNET) != 0) ::_exit(126);
  const int log = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  if (prepare) prepare();
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  ::_exit(127);
}

Process::~Process() {
  if (pid_ < 0) return;
  signal(SIGKILL);
  (void)wait();
}

void Process::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

int Process::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

Folder::Folder() {
  std::string path = std::filesystem::temp_directory_path() / "fairlead-bgp-XXXXXX";
  path_ = ::mkdtemp(path.data());
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace fairlead::test
