// The handler in front of everything: who asks, for what, may they, then the part that answers.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

#include "controlplane/registry/registry.hpp"
#include "controlplane/rest/access.hpp"
#include "controlplane/rest/documents.hpp"
#include "controlplane/rest/metrics.hpp"
#include "controlplane/rest/negotiation.hpp"
#include "controlplane/rest/route.hpp"
#include "http/message.hpp"
#include "http/query.hpp"

namespace fairlead::rest {

struct ApiServerOptions {
  Authenticator authenticator;
  std::string address;                       // "10.0.0.1:6443", for /api
  std::function<std::size_t()> connections;  // for /metrics
};

class ApiServer {
 public:
  /// `registry` must outlive the server.
  ApiServer(registry::Registry& registry, ApiServerOptions options)
      : registry_(registry), options_(std::move(options)) {}

  boost::asio::awaitable<http::Response> handle(const http::Request& request);

 private:
  struct Asked {
    const http::Request& http;
    const Route& route;
    const http::Query& query;
    const Identity& identity;
  };

  boost::asio::awaitable<http::Response> answer(const http::Request& request, Action& action);
  boost::asio::awaitable<http::Response> dispatch(const Asked& asked);
  boost::asio::awaitable<http::Response> answer_resource(const Asked& asked);
  http::Response answer_discovery(const Asked& asked) const;
  http::Response answer_other(const Asked& asked);

  registry::Registry& registry_;
  ApiServerOptions options_;
  Documents documents_;
  Metrics metrics_;
};

}  // namespace fairlead::rest
