// The plugin where no agent is, or one that ends in the middle; and the notes that it leaves.
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "agent/cni_socket.hpp"
#include "cni/deletion.hpp"
#include "cni/request.hpp"
#include "tests/netns/cni/fixture.hpp"

namespace fairlead::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

podnet::Attachment attachment_of(const std::string& container, std::uint64_t cookie) {
  podnet::Attachment made;
  made.key = {"pods", container, "eth0"};
  made.netns_cookie = cookie;
  return made;
}

class CniWithoutAgent : public CniTest {
 protected:
  /// A listener that takes one message and ends without an answer, or with `answer`.
  void serve_once(const std::string& answer = "") {
    auto listener = listen_for_messages(socket_path());
    ASSERT_TRUE(listener) << listener.error().doing;
    dying_ = std::thread([fd = *std::move(listener), answer]() mutable {
      std::optional<Fd> connection;
      eventually([&] { return (connection = accept_connection(fd.get()).value()).has_value(); });
      fd = Fd();  // who comes later finds nobody
      eventually([&] {
        return receive_message(connection->get(), cni::kMessageBytes).value().has_value();
      });
      if (!answer.empty()) {
        EXPECT_TRUE(send_message(connection->get(), answer));
      }
    });
  }
  void TearDown() override {
    if (dying_.joinable()) dying_.join();
    CniTest::TearDown();
  }
  PluginResult call_dying(const std::string& command, const std::string& answer = "") {
    serve_once(answer);
    auto result = call(command, "c1", R"("prevResult": {"cniVersion": "1.1.0"})");
    dying_.join();
    return result;
  }

 private:
  std::thread dying_;
};

TEST_F(CniWithoutAgent, EachCommandHasItsAnswer) {
  const auto add = call("ADD");
  EXPECT_EQ(add.exit, 1);
  EXPECT_EQ(add.code(), 11);
  EXPECT_THAT(add.output, HasSubstr("try again later"));
  EXPECT_EQ(call("CHECK", "c1", R"("prevResult": {"cniVersion": "1.1.0"})").code(), 11);
  EXPECT_EQ(call("GC", "", R"("cni.dev/valid-attachments": [])").code(), 11);
  EXPECT_EQ(call("STATUS").code(), 50);
  EXPECT_EQ(call("VERSION").exit, 0);
  EXPECT_THAT(notes(), IsEmpty());
}

TEST_F(CniWithoutAgent, ASocketThatADeadAgentLeftIsNoAgent) {
  { const auto listener = listen_for_messages(socket_path()); }
  EXPECT_EQ(call("ADD").code(), 11);
  EXPECT_EQ(call("DEL").exit, 0);
  EXPECT_THAT(notes(), ElementsAre("pods@c1@eth0"));
}

TEST_F(CniWithoutAgent, DelRemovesTheInterfaceAndLeavesANoteThatTheNextAgentCarriesOut) {
  const Namespace node("node");
  connect_namespaces(*pod_, "eth0", node, "fl-0123456789ab");
  pod_->ip("link add eth1 type veth peer name other");
  ASSERT_THAT(node.output_of("ip -o link"), HasSubstr("fl-0123456789ab"));
  EXPECT_EQ(call("DEL").exit, 0);
  EXPECT_EQ(call("DEL").exit, 0) << "again";
  const std::string links = pod_->output_of("ip -o link");
  EXPECT_THAT(links, Not(HasSubstr("eth0")));
  EXPECT_THAT(links, HasSubstr("eth1"));
  EXPECT_THAT(node.output_of("ip -o link"), Not(HasSubstr("fl-")));
  ASSERT_THAT(notes(), ElementsAre("pods@c1@eth0"));
  attachments_.put(attachment_of("c1", 0));
  start_agent();
  EXPECT_THAT(attachments_.keys(), IsEmpty());
  EXPECT_THAT(notes(), IsEmpty());
  EXPECT_THAT(errors_, IsEmpty());
}

TEST_F(CniWithoutAgent, DelLeavesAnInterfaceThatIsNoVethAlone) {
  pod_->ip("link add eth0 type bridge");
  EXPECT_EQ(call("DEL").exit, 0);
  EXPECT_THAT(pod_->output_of("ip -o link"), HasSubstr("eth0"));
}

TEST_F(CniWithoutAgent, DelNeverTouchesTheNodesOwnInterfaces) {
  auto given = environment("DEL");
  given["CNI_NETNS"] = "/proc/self/ns/net";
  const Namespace node("node");
  node.run([&] {
    sh("ip link add eth0 type veth peer name other");
    EXPECT_EQ(run_plugin(given, config()).exit, 0);
  });
  EXPECT_THAT(node.output_of("ip -o link"), HasSubstr("eth0"));
}

TEST_F(CniWithoutAgent, DelSucceedsWhereNoNoteCanBeWritten) {
  std::ofstream(state_directory()) << "in the way";
  EXPECT_EQ(call("DEL").exit, 0);
}

TEST_F(CniWithoutAgent, ANoteIsReadableByRootAloneWhateverTheUmask) {
  for (const mode_t mask : {0000, 0777}) {
    const mode_t old = ::umask(mask);
    EXPECT_EQ(call("DEL").exit, 0);
    ::umask(old);
    struct stat info {};
    ASSERT_EQ(::stat((state_directory() + "/deletions/pods@c1@eth0").c_str(), &info), 0) << mask;
    EXPECT_EQ(info.st_mode & 0077, 0U);
    std::filesystem::remove_all(state_directory());
  }
}

TEST_F(CniWithoutAgent, ANoteDoesNotHurtALaterPodOfTheSameName) {
  EXPECT_EQ(call("DEL").exit, 0);
  std::uint64_t cookie = 0;
  {
    std::ifstream file(state_directory() + "/deletions/pods@c1@eth0");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    cookie = cni::parse_deletion(text).value().netns_cookie;
  }
  ASSERT_NE(cookie, 0U);
  attachments_.put(attachment_of("c1", cookie + 1));
  start_agent();
  EXPECT_THAT(attachments_.keys(), ElementsAre("pods/c1/eth0"));
  EXPECT_THAT(notes(), IsEmpty());
}

TEST_F(CniWithoutAgent, ANoteThatCannotBeCarriedOutStaysAndADamagedOneGoes) {
  EXPECT_EQ(call("DEL").exit, 0);
  const std::string directory = state_directory() + "/deletions/";
  std::ofstream(directory + "damaged") << R"({"network": "../x"})";
  std::ofstream(directory + ".new-abc") << "{";
  attachments_.set({.refusal = podnet::Refusal::kStorage});
  start_agent();
  EXPECT_THAT(notes(), ElementsAre("pods@c1@eth0"));
  EXPECT_THAT(errors_, ElementsAre(HasSubstr("damaged is dropped"),
                                   HasSubstr("pods@c1@eth0 is left for the next start")));
  stop_agent();
  attachments_.set({});
  start_agent();
  EXPECT_THAT(notes(), IsEmpty());
}

TEST_F(CniWithoutAgent, OneThatEndsInTheMiddleOfARequestIsNone) {
  EXPECT_EQ(call_dying("ADD").code(), 11);
  EXPECT_EQ(call_dying("CHECK").code(), 11);
  EXPECT_EQ(call_dying("STATUS").code(), 50);
  EXPECT_THAT(notes(), IsEmpty());
  const auto del = call_dying("DEL");
  EXPECT_EQ(del.exit, 0) << del.output;
  EXPECT_THAT(notes(), ElementsAre("pods@c1@eth0"));
}

TEST_F(CniWithoutAgent, OneThatAnswersNonsenseIsNone) {
  for (const char* answer : {"x", "{}", R"({"exit": 7, "stdout": ""})", "\xff\xff"}) {
    EXPECT_EQ(call_dying("ADD", answer).code(), 11) << answer;
  }
}

}  // namespace
}  // namespace fairlead::test
