// An API server, asked from a thread without an event loop of its own.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <memory>
#include <string>
#include <vector>

#include "controlplane-client/api_client.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

class Api {
 public:
  static Result<std::unique_ptr<Api>> open(const std::string& kubeconfig);

  Result<boost::json::value> get(const std::string& target);
  Result<> create(const std::string& target, boost::json::value object);
  /// As many at a time as there are objects for; the first error ends it.
  Result<> create_all(const std::string& target, std::vector<boost::json::value> objects,
                      std::size_t at_once);
  Result<> merge(const std::string& target, boost::json::value patch);

  /// A connection of one's own, on which requests follow each other, as kubectl's and a
  /// controller's do; ApiClient makes a new one for each write.
  client::Awaitable<Result<std::unique_ptr<client::Connection>>> connect();
  /// An answer other than 2xx is an error with the server's words.
  static client::Awaitable<Result<>> write(client::Connection& connection, std::string method,
                                           std::string target, boost::json::value body);

  /// For coroutines of the caller's own; run() returns when all of them have ended.
  client::ApiClient& client() { return *client_; }
  boost::asio::io_context& context() { return context_; }
  void run();

 private:
  Api(std::unique_ptr<client::ApiClient> client, client::ServerAddress address)
      : client_(std::move(client)), address_(std::move(address)) {}
  client::Awaitable<Result<>> create_in_turn(const std::string& target,
                                             std::vector<boost::json::value>& objects,
                                             std::size_t& next);
  template <class T>
  Result<T> wait_for(client::Awaitable<Result<T>> request);

  boost::asio::io_context context_{1};
  std::unique_ptr<client::ApiClient> client_;
  client::ServerAddress address_;
};

}  // namespace fairlead::bench
