// POST, PUT, PATCH and DELETE of objects and collections.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "controlplane/registry/registry.hpp"
#include "controlplane/rest/negotiation.hpp"
#include "controlplane/rest/route.hpp"
#include "http/message.hpp"
#include "http/query.hpp"

namespace fairlead::rest {

struct WriteRequest {
  const http::Request& http;
  const Route& route;
  const http::Query& query;
  ObjectForm form;
};

/// All arguments must outlive the answer.
boost::asio::awaitable<http::Response> create_object(registry::Registry& registry,
                                                     const WriteRequest& request);
boost::asio::awaitable<http::Response> update_object(registry::Registry& registry,
                                                     const WriteRequest& request);
boost::asio::awaitable<http::Response> patch_object(registry::Registry& registry,
                                                    const WriteRequest& request);
boost::asio::awaitable<http::Response> delete_object(registry::Registry& registry,
                                                     const WriteRequest& request);
boost::asio::awaitable<http::Response> delete_collection(registry::Registry& registry,
                                                         const WriteRequest& request);

}  // namespace fairlead::rest
