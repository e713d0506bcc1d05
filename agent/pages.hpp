// What the agent answers over HTTP: health for load balancers and the kubelet, metrics for
// Prometheus, and the admin socket for `fairlead status`, `services` and `explain`. Each is a table
// of paths.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "http/message.hpp"

namespace fairlead {

struct Page {
  std::string_view path;
  std::function<http::Response(const http::Request&)> answer;
  /// Instead of `answer`, where somebody else has to be asked first.
  std::function<boost::asio::awaitable<http::Response>(const http::Request&)> ask = {};
  /// Does something: POST, and nothing else.
  bool is_order = false;
};

/// GET and HEAD of the pages, POST of orders; all else is 404 or 405.
http::Handler serve(std::vector<Page> pages);
/// The same, over a UNIX socket, for root and the user that this process runs as; 403 for all
/// others, whatever the socket's mode lets through.
http::Handler serve_owner(std::vector<Page> pages);

http::Response text_page(std::string body);
http::Response json_page(std::string body, unsigned status = 200);

}  // namespace fairlead
