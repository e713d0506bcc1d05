// What comes over the socket from others than the plugin: it costs an answer at most.
#include <fcntl.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <random>

#include "agent/cni_socket.hpp"
#include "cni/message.hpp"
#include "cni/request.hpp"
#include "tests/netns/cni/fixture.hpp"

namespace fairlead::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

class CniSocket : public CniTest {
 protected:
  void SetUp() override {
    CniTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) start_agent();
  }

  [[nodiscard]] Fd connect() const {
    Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const int room = 4 * 1024 * 1024;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    return socket;
  }

  /// The answer to a message with `count` descriptors; empty: the other end closed.
  [[nodiscard]] std::string exchange(std::string text, std::size_t count = 0) const {
    const Fd socket = connect();
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    std::vector<char> control(CMSG_SPACE(count * sizeof(int)));
    if (count > 0) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(count * sizeof(int));
      const std::vector<int> numbers(count, STDERR_FILENO);
      std::memcpy(CMSG_DATA(header), numbers.data(), count * sizeof(int));
    }
    EXPECT_GE(::sendmsg(socket.get(), &message, MSG_NOSIGNAL), 0) << std::strerror(errno);
    std::string answer(65536, '\0');
    const ssize_t size = ::recv(socket.get(), answer.data(), answer.size(), 0);
    answer.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return answer;
  }

  [[nodiscard]] std::string question(const std::string& command) const {
    const auto given = environment(command);
    return cni::to_json(cni::Question{.environment = {.command = command,
                                                      .container = given.at("CNI_CONTAINERID"),
                                                      .netns = given.at("CNI_NETNS"),
                                                      .interface = given.at("CNI_IFNAME"),
                                                      .path = "/"},
                                      .config = config()});
  }
};

TEST_F(CniSocket, IsForItsOwnerAloneWhateverTheUmask) {
  stop_agent();
  const mode_t old = ::umask(0);
  start_agent();
  ::umask(old);
  struct stat info {};
  ASSERT_EQ(::stat(socket_path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(CniSocket, ClosesOnOtherUsersEvenWhereTheModeLetsThemThrough) {
  for (const auto& path : {directory_, directory_ + "/run", socket_path()}) {
    ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  }
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (::setresuid(kNobody, kNobody, kNobody) != 0) ::_exit(2);
    const Fd socket = connect();
    char byte = 0;
    ::_exit(::recv(socket.get(), &byte, 1, 0) == 0 ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(CniSocket, IsRemovedAtTheEndAndASecondAgentDoesNotTakeIt) {
  EXPECT_THAT(listen_for_messages(socket_path()).error().doing, HasSubstr("in use"));
  stop_agent();
  EXPECT_FALSE(std::filesystem::exists(socket_path()));
}

TEST_F(CniSocket, AnswersAWholeMessageAndOnlyOne) {
  EXPECT_THAT(exchange(question("ADD"), 1), HasSubstr(R"({"exit":0)"));
  EXPECT_THAT(exchange(question("DEL")), HasSubstr(R"({"exit":0,"stdout":""})"));
  EXPECT_THAT(exchange(question("ADD")), HasSubstr("CNI_NETNS was not handed over"));
}

TEST_F(CniSocket, RefusesMoreThanOneDescriptorAndKeepsNone) {
  const std::size_t before = open_descriptors();
  for (const std::size_t count : {2, 3, 50, 253}) {
    EXPECT_THAT(exchange(question("ADD"), count), HasSubstr("more than one descriptor"));
  }
  EXPECT_THAT(exchange("nonsense", 1), HasSubstr(R"("exit":1)"));
  eventually([&] { return open_descriptors() == before; });
  EXPECT_THAT(attachments_.keys(), IsEmpty());
}

TEST_F(CniSocket, RefusesMessagesThatAreTooLong) {
  EXPECT_THAT(exchange(std::string(cni::kMessageBytes + 1, ' ')), HasSubstr("more than"));
  EXPECT_THAT(exchange(std::string(cni::kMessageBytes, ' '), 1), HasSubstr(R"("exit":1)"));
}

TEST_F(CniSocket, SurvivesRandomAndMutatedMessages) {
  const std::size_t before = open_descriptors();
  std::mt19937 random(1);
  const std::string good = question("STATUS");
  for (int i = 0; i < 3000; ++i) {
    std::string text = good;
    if (i % 3 == 0) {
      text.resize(random() % 300 + 1);
      for (char& c : text) c = static_cast<char>(random());
    } else {
      for (unsigned n = random() % 4 + 1; n > 0; --n) {
        text[random() % text.size()] = static_cast<char>(random());
      }
      if (i % 3 == 1) text.resize(random() % text.size() + 1);
    }
    EXPECT_THAT(exchange(text, random() % 3), HasSubstr(R"({"exit":)")) << i;
  }
  EXPECT_EQ(call("STATUS").exit, 0);
  eventually([&] { return open_descriptors() == before; });
}

TEST_F(CniSocket, ConnectionsThatSayNothingAreNoRequests) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(connect());
  EXPECT_EQ(exchange("", 0), "");
  const Fd silent = connect();
  EXPECT_EQ(call("STATUS").exit, 0);
  stop_agent();
  EXPECT_THAT(errors_, IsEmpty());
}

TEST_F(CniSocket, AConnectionThatSaysNothingIsClosedAfterATime) {
  stop_agent();
  start_agent(std::chrono::seconds(0));
  const Fd silent = connect();
  char byte = 0;
  EXPECT_EQ(::recv(silent.get(), &byte, 1, 0), 0);
}

TEST_F(CniSocket, MoreConnectionsThanTheServerTakesWaitForTheirTurn) {
  attachments_.set({.holds = true});
  std::vector<Fd> sockets;
  const std::string text = question("STATUS");
  for (int i = 0; i < 400; ++i) {
    sockets.push_back(connect());
    ASSERT_EQ(::send(sockets.back().get(), text.data(), text.size(), 0),
              static_cast<ssize_t>(text.size()));
  }
  attachments_.set({});
  for (const Fd& socket : sockets) {
    std::array<char, 256> answer{};
    EXPECT_GT(::recv(socket.get(), answer.data(), answer.size(), 0), 0);
  }
}

}  // namespace
}  // namespace fairlead::test
