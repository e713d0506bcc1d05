// A blocking HTTPS client and a control plane in a thread, for tests of what goes over the wire.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "controlplane/controlplane.hpp"

namespace fairlead::controlplane {

struct Reply {
  unsigned status = 0;
  boost::beast::http::fields headers;
  std::string body;

  [[nodiscard]] boost::json::object json() const { return boost::json::parse(body).as_object(); }
  /// The lines of a watch: "ADDED web", "BOOKMARK".
  [[nodiscard]] std::vector<boost::json::object> events() const {
    std::vector<boost::json::object> events;
    std::istringstream lines(body);
    for (std::string line; std::getline(lines, line);) {
      events.push_back(boost::json::parse(line).as_object());
    }
    return events;
  }
};

struct Ask {
  std::string method = "GET";
  std::string target;
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string token = "admin";  // "admin", "node", or "" for none
};

/// One control plane a test, on a free port, in a directory of its own.
class ControlPlaneTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "fl-controlplane-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    start();
  }
  void TearDown() override {
    stop();
    std::filesystem::remove_all(directory_);
  }

  void start() {
    Flags flags;
    flags.data_directory = directory_;
    flags.listen = "127.0.0.1:0";
    flags.pod_cidr = "10.244.0.0/16";
    flags.log_level = "error";
    auto options = parse_options(flags);
    ASSERT_TRUE(options) << options.error().doing;
    auto started = ControlPlane::start(*std::move(options));
    ASSERT_TRUE(started) << started.error().doing;
    plane_ = std::move(*started);
    thread_ = std::thread([this] { plane_->run(); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    boost::asio::post(plane_->io(), [this] { plane_->stop(); });
    thread_.join();
    plane_.reset();
  }

  [[nodiscard]] std::string file(const std::string& name) const {
    std::ostringstream content;
    content << std::ifstream(directory_ / name).rdbuf();
    return content.str();
  }

  Reply ask(const Ask& asked) {
    namespace http = boost::beast::http;
    boost::asio::io_context io;
    boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
    const std::string ca = file("ca.crt");
    context.add_certificate_authority(boost::asio::buffer(ca));
    context.set_verify_mode(boost::asio::ssl::verify_peer);
    boost::beast::ssl_stream<boost::asio::ip::tcp::socket> stream(io, context);
    stream.next_layer().connect({boost::asio::ip::make_address("127.0.0.1"), plane_->port()});
    stream.handshake(boost::asio::ssl::stream_base::client);
    http::request<http::string_body> request(http::string_to_verb(asked.method), asked.target, 11);
    request.set(http::field::host, "localhost");
    for (const auto& [name, value] : asked.headers) request.set(name, value);
    if (!asked.token.empty()) {
      std::string token = file(asked.token + ".token");
      if (token.ends_with('\n')) token.pop_back();
      request.set(http::field::authorization, "Bearer " + token);
    }
    request.body() = asked.body;
    request.prepare_payload();
    http::write(stream, request);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(stream, buffer, response);
    return {response.result_int(), response.base(), response.body()};
  }
  Reply get(const std::string& target) { return ask({.target = target}); }
  Reply post(const std::string& target, const std::string& body) {
    return ask({.method = "POST",
                .target = target,
                .body = body,
                .headers = {{"Content-Type", "application/json"}}});
  }
  Reply patch(const std::string& target, const std::string& body) {
    return ask({.method = "PATCH",
                .target = target,
                .body = body,
                .headers = {{"Content-Type", "application/merge-patch+json"}}});
  }
  Reply remove(const std::string& target) { return ask({.method = "DELETE", .target = target}); }

  /// Creates a ConfigMap, the simplest of kinds; its revision.
  std::string make(const std::string& name, const std::string& labels = "{}") {
    const Reply made =
        post(kConfigMaps, R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name +
                              R"(","labels":)" + labels + "}}");
    EXPECT_EQ(made.status, 201U) << made.body;
    return revision_of(made);
  }
  static std::string revision_of(const Reply& reply) {
    return std::string(reply.json().at("metadata").at("resourceVersion").as_string());
  }
  /// "ADDED a", "BOOKMARK"; the watch ends by its own timeout of a second.
  std::vector<std::string> watch(const std::string& parameters) {
    std::vector<std::string> shown;
    const Reply reply =
        get(std::string(kConfigMaps) + "?watch=true&timeoutSeconds=1&" + parameters);
    EXPECT_EQ(reply.status, 200U) << reply.body;
    for (const boost::json::object& event : reply.events()) {
      std::string line(event.at("type").as_string());
      const boost::json::object& metadata = event.at("object").at("metadata").as_object();
      if (metadata.contains("name")) line += " " + std::string(metadata.at("name").as_string());
      if (metadata.contains("annotations")) line += " annotated";
      shown.push_back(std::move(line));
    }
    return shown;
  }

  static constexpr const char* kConfigMaps = "/api/v1/namespaces/default/configmaps";

  std::filesystem::path directory_;
  std::unique_ptr<ControlPlane> plane_;
  std::thread thread_;
};

}  // namespace fairlead::controlplane
