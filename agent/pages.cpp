// A request's path -> the page of the table.
#include "agent/pages.hpp"

#include <unistd.h>

#include <algorithm>
#include <memory>

namespace fairlead {
namespace {

namespace asio = boost::asio;

http::Response refusal(unsigned status, std::string text) {
  http::Response response;
  response.status = status;
  response.body = std::move(text);
  return response;
}

asio::awaitable<http::Response> answer(const std::vector<Page>& pages,
                                       const http::Request& request) {
  const auto page = std::ranges::find(pages, request.path, &Page::path);
  http::Response response;
  if (page == pages.end()) {
    response = refusal(404, "404 page not found\n");
  } else if (page->is_order ? request.method != "POST"
                            : request.method != "GET" && request.method != "HEAD") {
    response = refusal(405, "405 method not allowed\n");
    response.headers.emplace_back("Allow", page->is_order ? "POST" : "GET, HEAD");
  } else if (page->ask) {
    response = co_await page->ask(request);
  } else {
    response = page->answer(request);
  }
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  co_return response;
}

asio::awaitable<http::Response> later(http::Response response) { co_return response; }

}  // namespace

http::Handler serve(std::vector<Page> pages) {
  return [pages = std::make_shared<std::vector<Page>>(std::move(pages))](
             const http::Request& request) { return answer(*pages, request); };
}

http::Handler serve_owner(std::vector<Page> pages) {
  return [pages =
              std::make_shared<std::vector<Page>>(std::move(pages))](const http::Request& request) {
    const auto uid = request.peer.uid;
    if (uid && (*uid == 0 || *uid == ::geteuid())) return answer(*pages, request);
    return later(refusal(403, "403 only root and the agent's own user may ask\n"));
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
