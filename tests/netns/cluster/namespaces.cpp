// `ip netns` makes and removes namespaces; threads enter them by setns.
#include "tests/netns/cluster/namespaces.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

namespace fairlead::test {

void sh(const std::string& command) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the tests' threads do not change the environment
  const int status = std::system(command.c_str());
  ASSERT_EQ(status, 0) << command;
}

Namespace::Namespace(const std::string& name) : name_(fmt::format("flt-{}-{}", ::getpid(), name)) {
  test::sh("ip netns add " + name_);
  fd_ = Fd(::open(("/run/netns/" + name_).c_str(), O_RDONLY | O_CLOEXEC));
  ip("link set lo up");
  // Else new interfaces do not answer for seconds, while they look whether somebody has their
  // link-local address.
  sh("sysctl -qw net.ipv6.conf.default.accept_dad=0");
}

Namespace::~Namespace() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  if (std::system(("ip netns delete " + name_).c_str()) != 0)
    std::fprintf(stderr, "namespace %s stays\n", name_.c_str());
}

void Namespace::ip(const std::string& arguments) const {
  test::sh("ip -n " + name_ + ' ' + arguments);
}

void Namespace::sh(const std::string& command) const {
  test::sh("ip netns exec " + name_ + ' ' + command);
}

std::string Namespace::output_of(const std::string& command) const {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(
      ::popen(("ip netns exec " + name_ + ' ' + command).c_str(), "r"), ::pclose);
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
    output.append(buffer.data(), got);
  return output;
}

void Namespace::run(const std::function<void()>& body) const {
  std::thread([&] {
    ASSERT_EQ(::setns(fd_.get(), CLONE_NEWNET), 0) << name_;
    body();
  }).join();
}

void Namespace::run_as_client(const std::function<void()>& body) const {
  if (cgroup_ == nullptr) return body();
  cgroup_->run(body);
}

void connect_namespaces(const Namespace& a, const std::string& name_in_a, const Namespace& b,
                        const std::string& name_in_b) {
  a.ip(fmt::format("link add {} type veth peer name {} netns {}", name_in_a, name_in_b, b.name()));
  a.ip("link set " + name_in_a + " up");
  b.ip("link set " + name_in_b + " up");
}

}  // namespace fairlead::test
