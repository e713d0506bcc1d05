// A request's path -> the page of the table.
#include "agent/pages.hpp"

#include <unistd.h>

#include <algorithm>

namespace fairlead {
namespace {

http::Response answer(const std::vector<Page>& pages, const http::Request& request) {
  const auto page = std::ranges::find(pages, request.path, &Page::path);
  http::Response response;
  if (page == pages.end()) {
    response.status = 404;
    response.body = "404 page not found\n";
  } else if (request.method != "GET" && request.method != "HEAD") {
    response.status = 405;
    response.headers.emplace_back("Allow", "GET, HEAD");
    response.body = "405 method not allowed\n";
  } else {
    response = page->answer(request);
  }
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

http::Response answer_owner(const std::vector<Page>& pages, const http::Request& request) {
  const auto uid = request.peer.uid;
  if (uid && (*uid == 0 || *uid == ::geteuid())) return answer(pages, request);
  http::Response response;
  response.status = 403;
  response.body = "403 only root and the agent's own user may ask\n";
  return response;
}

boost::asio::awaitable<http::Response> later(http::Response response) { co_return response; }

}  // namespace

http::Handler serve(std::vector<Page> pages) {
  return [pages = std::move(pages)](const http::Request& request) {
    return later(answer(pages, request));
  };
}

http::Handler serve_owner(std::vector<Page> pages) {
  return [pages = std::move(pages)](const http::Request& request) {
    return later(answer_owner(pages, request));
  };
}

http::Response text_page(std::string body) {
  http::Response response;
  response.body = std::move(body);
  return response;
}

http::Response json_page(std::string body, unsigned status) {
  http::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

}  // namespace fairlead
