// socket pair -> fork -> descriptors in their places -> rights given up -> exec
//
// Between fork and exec only what is safe in a signal handler is called: the agent has threads.
#include "agent/bgp/speaker_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace fairlead::bgp {
namespace {

constexpr int kControl = 3;
constexpr uid_t kNobody = 65534;

/// All that the child needs, made before the fork.
struct Prepared {
  const char* program = nullptr;
  std::vector<char*> arguments{};  // ends in nullptr
  std::vector<int> descriptors{};  // in the order of their places from kControl on
  std::vector<int> moved{};        // of the same size: room for the child
  pid_t parent = 0;
};

[[noreturn]] void give_up(const char* what) {
  const auto length = [](const char* text) {
    std::size_t count = 0;
    while (text[count] != '\0') ++count;
    return count;
  };
  const char* begin = "fairlead bgp-speaker cannot start: ";
  // There is nobody to tell if even this fails.
  if (::write(STDERR_FILENO, begin, length(begin)) < 0 ||
      ::write(STDERR_FILENO, what, length(what)) < 0 || ::write(STDERR_FILENO, "\n", 1) < 0)
    ::_exit(126);
  ::_exit(127);
}

/// Above all places first, so that none is overwritten before it has been moved.
void place_descriptors(Prepared& prepared) {
  const int above = kControl + static_cast<int>(prepared.descriptors.size());
  for (std::size_t i = 0; i < prepared.descriptors.size(); ++i) {
    prepared.moved[i] = ::fcntl(prepared.descriptors[i], F_DUPFD_CLOEXEC, above);
    if (prepared.moved[i] < 0) give_up("duplicate descriptors");
  }
  for (std::size_t i = 0; i < prepared.moved.size(); ++i)
    if (::dup2(prepared.moved[i], kControl + static_cast<int>(i)) < 0) give_up("place descriptors");
  if (::syscall(SYS_close_range, static_cast<unsigned>(above), ~0U, 0U) != 0)
    give_up("close descriptors");
}

/// A user of its own needs a right that a container may lack; then it keeps the user and has no
/// capability all the same, also after exec, as that gives none with no_new_privs.
void give_up_rights() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up("forbid new rights");
  if (::geteuid() == 0 && ::setgroups(0, nullptr) == 0 &&
      ::setresgid(kNobody, kNobody, kNobody) == 0) {
    if (::setresuid(kNobody, kNobody, kNobody) != 0 && errno != EPERM) give_up("change the user");
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capset, &header, &none) != 0) give_up("drop capabilities");
  const rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) give_up("forbid core files");
}

[[noreturn]] void become_speaker(Prepared& prepared) {
  place_descriptors(prepared);
  give_up_rights();
  // After the change of user, which clears it; a parent that ended before this sends nothing.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) give_up("follow the agent");
  if (::getppid() != prepared.parent) ::_exit(0);
  for (int signal = 1; signal < SIGRTMIN; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  char* environment[] = {nullptr};
  ::execve(prepared.program, prepared.arguments.data(), environment);
  give_up("execute the program");
}

}  // namespace

Result<SpeakerProcess> start_speaker(const SpeakerCommand& command, std::span<const Fd> listeners) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    return system_error(errno, "make the speaker's control socket");
  Fd ours(pair[0]), its(pair[1]);
  std::vector<std::string> texts{"fairlead"};
  texts.insert(texts.end(), command.arguments.begin(), command.arguments.end());
  texts.insert(texts.end(), {"--control-fd", std::to_string(kControl)});
  Prepared prepared{.program = command.program.c_str(), .parent = ::getpid()};
  prepared.descriptors.push_back(its.get());
  for (const Fd& listener : listeners) {
    texts.insert(
        texts.end(),
        {"--listen-fd", std::to_string(kControl + static_cast<int>(prepared.descriptors.size()))});
    prepared.descriptors.push_back(listener.get());
  }
  prepared.moved.resize(prepared.descriptors.size());
  for (std::string& text : texts) prepared.arguments.push_back(text.data());
  prepared.arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return system_error(errno, "start the BGP speaker");
  if (pid == 0) become_speaker(prepared);
  Fd exit(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!exit) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    reap(pid);
    return system_error(error, "follow the BGP speaker");
  }
  return SpeakerProcess{pid, std::move(exit), std::move(ours)};
}

std::string reap(pid_t pid) {
  int status = 0;
  pid_t done = 0;
  do done = ::waitpid(pid, &status, 0);
  while (done < 0 && errno == EINTR);
  if (done < 0) return "unknown";
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace fairlead::bgp
