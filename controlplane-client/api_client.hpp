// Requests to the API server: connections are kept and used again, credentials are kept fresh, and
// errors are what the server said. For anything that speaks to it: reflectors, Events, the command
// line.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane-client/config.hpp"
#include "controlplane-client/connection.hpp"
#include "controlplane-client/credentials.hpp"
#include "controlplane-client/server_address.hpp"
#include "controlplane-client/timing.hpp"
#include "model/result.hpp"

namespace fairlead::client {

/// The category of errors that are HTTP answers: the code's value is the status, 400 to 599 (or a
/// redirect's 3xx).
const std::error_category& http_category();
inline bool is_status(const Error& error, int status) {
  return error.code == std::error_code(status, http_category());
}

class ApiClient;

/// An answer whose body is still coming. Must not outlive its ApiClient.
class Answer {
 public:
  Answer(ApiClient& client, std::unique_ptr<Connection> connection, HttpHead head);
  Answer(Answer&&) noexcept = default;
  Answer& operator=(Answer&&) = delete;
  ~Answer();  // keeps the connection for the next request if the body was read to its end

  [[nodiscard]] const HttpHead& head() const { return head_; }
  /// As Connection::read.
  Awaitable<Result<std::string_view>> read(Timing::Duration limit) {
    return connection_->read(limit);
  }
  /// All that is left, if it is not more than `most` bytes.
  Awaitable<Result<std::string>> read_all(std::size_t most);
  /// The error that a status other than 2xx means, with the server's own words: {"message": …} of a
  /// Status.
  Awaitable<Error> error();

 private:
  ApiClient* client_;
  std::unique_ptr<Connection> connection_;
  HttpHead head_;
};

class ApiClient {
 public:
  static Result<std::unique_ptr<ApiClient>> create(const ClientConfig& config, const Timing& timing,
                                                   std::string user_agent);
  ApiClient(ClientConfig config, ServerAddress address, const Timing& timing,
            std::string user_agent);
  ApiClient(ApiClient&&) = delete;

  /// Sends and returns once the answer's header is there, whatever its status; `target` is what
  /// follows the server's URL. After a 401 it tries once more with credentials that were read
  /// again. A GET whose kept connection turns out to have been closed is sent again on a new one.
  /// Redirects are not followed.
  Awaitable<Result<Answer>> send(HttpRequest request);

  /// JSON in, JSON out; a status other than 2xx is an error of http_category().
  Awaitable<Result<boost::json::value>> get(std::string target);
  Awaitable<Result<boost::json::value>> post(std::string target, boost::json::value body);
  /// `type`: "application/merge-patch+json", "application/json-patch+json",
  /// "application/strategic-merge-patch+json".
  Awaitable<Result<boost::json::value>> patch(std::string target, std::string type,
                                              boost::json::value body);

  [[nodiscard]] const ClientConfig& config() const { return config_; }

 private:
  friend class Answer;
  struct Sent {
    std::unique_ptr<Connection> connection;
    HttpHead head;
  };
  Awaitable<Result<Sent>> send_once(HttpRequest request);
  Awaitable<Result<std::unique_ptr<Connection>>> connect();
  Awaitable<Result<boost::json::value>> call(HttpRequest request);
  Error named(Error error) const;

  ClientConfig config_;
  ServerAddress address_;
  Timing timing_;
  std::string user_agent_;
  Credentials credentials_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace fairlead::client
