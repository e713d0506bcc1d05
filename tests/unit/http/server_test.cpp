#include "http/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <optional>
#include <thread>

namespace fairlead::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A server on loopback in a thread of its own; the tests are blocking clients.
class ServerTest : public ::testing::Test {
 protected:
  void serve(Handler handler, Limits limits = {}) {
    server_.emplace(io_, ServerOptions{.handler = std::move(handler),
                                       .limits = limits,
                                       .on_error = [this](const Error& error) {
                                         errors_.push_back(error.doing);
                                       }});
    const auto port = server_->listen_tcp({.address = "127.0.0.1"});
    ASSERT_TRUE(port) << port.error().doing;
    port_ = *port;
    thread_ = std::thread([this] { io_.run(); });
  }

  void TearDown() override { stop(); }

  void stop() {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] { server_->stop(); });
    thread_.join();
  }

  tcp::socket connect() {
    tcp::socket socket(client_io_);
    socket.connect({asio::ip::make_address("127.0.0.1"), port_});
    return socket;
  }

  /// Sends, then reads until the server closes.
  std::string exchange(const std::string& request) {
    tcp::socket socket = connect();
    asio::write(socket, asio::buffer(request));
    return read_all(socket);
  }

  static std::string read_all(tcp::socket& socket) {
    std::string answer;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(answer), error);
    EXPECT_EQ(error, asio::error::eof) << error.message();
    return answer;
  }

  static std::string read_until(tcp::socket& socket, std::string_view end) {
    std::string answer;
    while (!answer.ends_with(end)) {
      char byte = 0;
      asio::read(socket, asio::buffer(&byte, 1));
      answer += byte;
    }
    return answer;
  }

  asio::io_context io_{1};
  asio::io_context client_io_{1};
  std::optional<Server> server_;
  std::thread thread_;
  std::uint16_t port_ = 0;
  std::vector<std::string> errors_;
};

asio::awaitable<Response> echo(const Request& request) {
  Response response;
  response.body = request.method + " " + request.path + "?" + request.query + " " + request.body;
  co_return response;
}

TEST_F(ServerTest, AnswersRequestsOneAfterTheOtherOnOneConnection) {
  serve(echo);
  const std::string answer = exchange(
      "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
      "GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("POST /a?b=c hiHTTP/1.1 200 OK"));
  EXPECT_THAT(answer, EndsWith("GET /second? "));
}

TEST_F(ServerTest, HeadHasTheHeadersAndNoBody) {
  serve(echo);
  const std::string answer = exchange("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 9\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(ServerTest, GarbageIsABadRequest) {
  serve(echo);
  EXPECT_THAT(exchange("garbage\r\n\r\n"), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
}

TEST_F(ServerTest, BodiesAboveTheLimitAreRefusedUnread) {
  serve(echo, {.body_bytes = 10});
  EXPECT_THAT(exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world"),
              StartsWith("HTTP/1.1 413 Request Entity Too Large\r\n"));
}

TEST_F(ServerTest, HeadersAboveTheLimitAreRefused) {
  serve(echo, {.header_bytes = 1000});
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nX: " + std::string(2000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
}

TEST_F(ServerTest, AClientThatStopsInTheMiddleOfItsHeadersIsCut) {
  serve(echo, {.read_timeout = std::chrono::seconds(1)});
  EXPECT_EQ(exchange("GET / HT"), "");
}

TEST_F(ServerTest, AnIdleConnectionIsClosed) {
  serve(echo, {.idle_timeout = std::chrono::seconds(1)});
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("GET /? "));
}

TEST_F(ServerTest, ConnectionsAboveTheLimitAreClosedAtOnce) {
  serve(echo, {.connections = 1});
  tcp::socket first = connect();
  asio::write(first, asio::buffer(std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
  read_until(first, "GET /? ");
  tcp::socket second = connect();
  boost::system::error_code error;
  char byte = 0;
  asio::read(second, asio::buffer(&byte, 1), error);
  EXPECT_EQ(error, asio::error::eof);
}

TEST_F(ServerTest, AnExceptionInTheHandlerIsAnInternalErrorAndReported) {
  serve([](const Request&) -> asio::awaitable<Response> {
    throw std::runtime_error("oops");
    co_return Response();
  });
  EXPECT_THAT(exchange("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 500 "));
  stop();
  EXPECT_THAT(errors_, ::testing::ElementsAre("GET /x: handler failed: oops"));
}

Response stream_of(std::function<asio::awaitable<void>(BodyStream&)> stream) {
  Response response;
  response.stream = std::move(stream);
  return response;
}

asio::awaitable<void> write_two(BodyStream& body) {
  co_await body.write("one\n");
  co_await body.write("two\n");
}

TEST_F(ServerTest, StreamsAreChunkedAndEndTheConnection) {
  serve([](const Request&) -> asio::awaitable<Response> { co_return stream_of(write_two); });
  const std::string answer = exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n"));
}

/// Waits forever; tells how it ended.
struct Waiter {
  std::promise<void> cancelled;

  asio::awaitable<void> wait(BodyStream& body) {
    co_await body.write("begun");
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_at(asio::steady_timer::time_point::max());
    const Undo told{*this};
    co_await timer.async_wait(asio::use_awaitable);
  }

  struct Undo {
    Waiter& waiter;
    ~Undo() { waiter.cancelled.set_value(); }
  };
};

TEST_F(ServerTest, AStreamIsCancelledWhenTheClientLeaves) {
  Waiter waiter;
  serve([&waiter](const Request&) -> asio::awaitable<Response> {
    co_return stream_of([&waiter](BodyStream& body) { return waiter.wait(body); });
  });
  {
    tcp::socket socket = connect();
    asio::write(socket, asio::buffer(std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
    read_until(socket, "begun\r\n");
  }
  EXPECT_EQ(waiter.cancelled.get_future().wait_for(std::chrono::seconds(10)),
            std::future_status::ready);
}

TEST_F(ServerTest, StopEndsStreamsAndIdleConnections) {
  Waiter waiter;
  serve([&waiter](const Request&) -> asio::awaitable<Response> {
    co_return stream_of([&waiter](BodyStream& body) { return waiter.wait(body); });
  });
  tcp::socket idle = connect();
  tcp::socket streaming = connect();
  asio::write(streaming, asio::buffer(std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
  read_until(streaming, "begun\r\n");
  stop();  // joins: run() has returned
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(ServerTest, AClientThatReadsNothingEndsItsStreamWithoutHarmToOthers) {
  std::promise<bool> refused;
  serve(
      [&refused](const Request& request) -> asio::awaitable<Response> {
        if (request.path == "/other") return echo(request);
        return [](std::promise<bool>& result) -> asio::awaitable<Response> {
          co_return stream_of([&result](BodyStream& body) -> asio::awaitable<void> {
            return [](std::promise<bool>& told, BodyStream& out) -> asio::awaitable<void> {
              const std::string chunk(1 << 20, 'x');
              while (co_await out.write(chunk)) continue;
              told.set_value(true);
            }(result, body);
          });
        }(refused);
      },
      {.write_timeout = std::chrono::seconds(1)});
  tcp::socket slow = connect();
  asio::write(slow, asio::buffer(std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
  EXPECT_THAT(exchange("GET /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              EndsWith("GET /other? "));
  EXPECT_EQ(refused.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(ServerTest, UnixSocketsArePrivateAndReplaceDeadOnes) {
  const std::string path = ::testing::TempDir() + "http-" + std::to_string(::getpid()) + ".sock";
  serve(echo);
  std::promise<std::vector<Result<>>> listened;
  asio::post(io_, [&] {
    std::vector<Result<>> results;
    results.push_back(server_->listen_unix(path));
    results.push_back(server_->listen_unix(path));
    listened.set_value(std::move(results));
  });
  const auto results = listened.get_future().get();
  ASSERT_TRUE(results[0]) << results[0].error().doing;
  ASSERT_FALSE(results[1]);
  EXPECT_THAT(results[1].error().doing, HasSubstr("Address already in use"));
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  asio::local::stream_protocol::socket socket(client_io_);
  socket.connect(asio::local::stream_protocol::endpoint(path));
  asio::write(socket, asio::buffer(std::string("GET /u HTTP/1.0\r\n\r\n")));
  std::string answer;
  boost::system::error_code error;
  asio::read(socket, asio::dynamic_buffer(answer), error);
  EXPECT_THAT(answer, EndsWith("GET /u? "));
  stop();
  EXPECT_NE(::stat(path.c_str(), &status), 0);
}

}  // namespace
}  // namespace fairlead::http
