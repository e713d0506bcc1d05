// parent: fork -> continue the child from mark to mark, in single steps where it is counted
// child:  mark, work, mark; a mark is a SIGSTOP that nobody but its tracer sees
#include "tests/steps/steps.hpp"

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace fairlead::test {
namespace {

/// To count more would take seconds, and tell nothing more.
constexpr std::uint64_t kMostSteps = 200'000;
constexpr int kOwnFailure = 1, kNotTraced = 2;

[[noreturn]] void be_traced(const std::function<void(const CountSteps& count)>& run) {
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kNotTraced);
  std::raise(SIGSTOP);
  run([](const std::function<void()>& work) {
    std::raise(SIGSTOP);
    work();
    std::raise(SIGSTOP);
  });
  // What is the parent's is not to be destroyed here.
  ::_exit(testing::Test::HasFailure() ? kOwnFailure : 0);
}

/// False: the child has ended.
bool wait_for(pid_t child, int& status) {
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return false;
  return WIFSTOPPED(status);
}

/// From its first mark to its end.
std::vector<std::uint64_t> follow(pid_t child, int& status) {
  std::vector<std::uint64_t> counted;
  bool counting = false;
  while (true) {
    const bool step = counting && counted.back() < kMostSteps;
    if (::ptrace(step ? PTRACE_SINGLESTEP : PTRACE_CONT, child, nullptr, nullptr) != 0) break;
    if (!wait_for(child, status)) break;
    const int signal = WSTOPSIG(status);
    if (signal == SIGSTOP) {
      counting = !counting;
      if (counting) counted.push_back(0);
    } else if (signal == SIGTRAP && counting) {
      ++counted.back();
    } else {
      ADD_FAILURE() << "the child was sent signal " << signal << ": " << ::strsignal(signal);
      ::kill(child, SIGKILL);
    }
  }
  return counted;
}

}  // namespace

std::vector<std::uint64_t> steps_of(const std::function<void(const CountSteps& count)>& run) {
  const pid_t child = ::fork();
  if (child == 0) be_traced(run);
  EXPECT_GT(child, 0) << "fork: " << std::strerror(errno);
  int status = 0;
  if (child < 0 || !wait_for(child, status)) {
    ADD_FAILURE() << "no child to be traced: status " << status;
    return {};
  }
  // It is not to outlive a test that is killed.
  EXPECT_EQ(::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_EXITKILL), 0);
  std::vector<std::uint64_t> counted = follow(child, status);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child's status is " << status;
  return counted;
}

}  // namespace fairlead::test
