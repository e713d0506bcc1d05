#include "tests/netns/cni/fixture.hpp"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <filesystem>

#include "agent/cni_deletions.hpp"

namespace fairlead::test {

namespace fs = std::filesystem;

void CniTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
  std::string name = fs::temp_directory_path() / "fairlead-cni-XXXXXX";
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  directory_ = name;
  fs::create_directory(directory_ + "/run");
  pod_.emplace("pod");
}

void CniTest::TearDown() {
  stop_agent();
  if (!directory_.empty()) fs::remove_all(directory_);
}

void CniTest::start_agent(std::chrono::seconds read_timeout) {
  io_.restart();
  server_ = std::make_unique<CniServer>(
      io_, CniServerOptions{
               .attachments = attachments_,
               .read_timeout = read_timeout,
               .on_added = [this](const auto& a) { events_.push_back("+" + to_string(a.key)); },
               .on_removed = [this](const auto& a) { events_.push_back("-" + to_string(a.key)); },
               .on_error = [this](const Error& error) { errors_.push_back(error.doing); }});
  const auto listens = server_->listen(socket_path());
  ASSERT_TRUE(listens) << listens.error().doing;
  const auto carried_out =
      carry_out_deletions(attachments_, state_directory(),
                          [this](const std::string& warning) { errors_.push_back(warning); });
  ASSERT_TRUE(carried_out) << carried_out.error().doing;
  server_->start();
  thread_ = std::thread([this] { io_.run(); });
}

void CniTest::stop_agent() {
  if (!thread_.joinable()) return;
  boost::asio::post(io_, [this] { server_->stop(); });
  thread_.join();
  EXPECT_EQ(server_->connections(), 0U);
  server_.reset();
}

std::string CniTest::config(const std::string& more, const std::string& version) const {
  return R"({"cniVersion": ")" + version + R"(", "name": "pods", "type": "fairlead-cni", )" +
         R"("runtimeDirectory": ")" + directory_ + R"(/run", "stateDirectory": ")" +
         state_directory() + '"' + (more.empty() ? "" : ", " + more) + "}";
}

Plugin::Environment CniTest::environment(const std::string& command,
                                         const std::string& container) const {
  return {{"CNI_COMMAND", command},
          {"CNI_CONTAINERID", container},
          {"CNI_NETNS", "/run/netns/" + pod_->name()},
          {"CNI_IFNAME", "eth0"},
          {"CNI_PATH", "/opt/cni/bin"}};
}

PluginResult CniTest::call(const std::string& command, const std::string& container,
                           const std::string& more, const std::string& version) {
  return run_plugin(environment(command, container), config(more, version));
}

std::vector<std::string> CniTest::notes() const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(state_directory() + "/deletions", error)) {
    names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

void CniTest::eventually(const std::function<bool()>& is_true) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!is_true()) {
    ASSERT_LT(std::chrono::steady_clock::now(), limit) << "never true";
    std::this_thread::yield();
  }
}

}  // namespace fairlead::test
