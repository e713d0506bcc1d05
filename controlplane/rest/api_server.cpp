// handle: answer, then finish (pretty, gzip) and count. answer: authenticate (401) -> route (400)
// -> authorize (403) -> dispatch by place and method (404, 405, 406).
#include "controlplane/rest/api_server.hpp"

#include "controlplane/rest/answer.hpp"
#include "controlplane/rest/discovery.hpp"
#include "controlplane/rest/read.hpp"
#include "controlplane/rest/reviews.hpp"
#include "controlplane/rest/write.hpp"

namespace fairlead::rest {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

http::Response method_not_allowed() {
  return refusal({405,
                  "MethodNotAllowed",
                  "the server does not allow this method on the requested resource",
                  {}});
}

http::Response no_such_resource() {
  return refusal({404, "NotFound", "the server could not find the requested resource", {}});
}

http::Response no_such_path() { return text_answer(404, "404 page not found\n"); }

http::Response not_acceptable() {
  return refusal(
      {406, "NotAcceptable", "only the following media types are accepted: application/json", {}});
}

std::string verb_of(const http::Request& request, const Route& route, const http::Query& query) {
  const bool collection = route.place == Place::kCollection;
  if (request.method == "GET" || request.method == "HEAD") {
    if (!collection) return "get";
    return query.is_true("watch") ? "watch" : "list";
  }
  if (request.method == "POST") return "create";
  if (request.method == "PUT") return "update";
  if (request.method == "PATCH") return "patch";
  return collection ? "deletecollection" : "delete";
}

Action action_of(const http::Request& request, const Route& route, const http::Query& query) {
  Action action;
  action.verb = verb_of(request, route, query);
  if (route.place != Place::kObject && route.place != Place::kCollection) {
    action.path = route.path;
    return action;
  }
  action.group = route.group;
  action.resource = route.type->plural;
  action.subresource = route.subresource;
  action.ns = route.ns;
  action.name = route.name;
  return action;
}

/// Claims the Kubernetes release whose clients it is tested with.
json::object version_document() {
  return {{"major", "1"},        {"minor", "33"},           {"gitVersion", "v1.33.0+fairlead"},
          {"gitCommit", ""},     {"gitTreeState", "clean"}, {"buildDate", "1970-01-01T00:00:00Z"},
          {"goVersion", "none"}, {"compiler", "g++"},       {"platform", "linux/amd64"}};
}

}  // namespace

asio::awaitable<http::Response> ApiServer::handle(const http::Request& request) {
  Action action;
  http::Response response = co_await answer(request, action);
  finish(request, response);
  metrics_.count_request(action.verb, action.resource, response.status);
  co_return response;
}

asio::awaitable<http::Response> ApiServer::answer(const http::Request& request, Action& action) {
  const auto identity = options_.authenticator.identify(request);
  if (!identity) co_return refusal(unauthorized());
  const auto route = parse_route(request.path);
  if (!route) co_return refusal(api::bad_request(route.error().doing));
  const auto query = http::Query::parse(request.query);
  if (!query) co_return refusal(api::bad_request(query.error().doing));
  action = action_of(request, *route, *query);
  if (!is_allowed(*identity, action)) co_return refusal(forbidden_action(*identity, action));
  const Asked asked{request, *route, *query, *identity};
  co_return co_await dispatch(asked);
}

asio::awaitable<http::Response> ApiServer::dispatch(const Asked& asked) {
  const bool reads = asked.http.method == "GET" || asked.http.method == "HEAD";
  switch (asked.route.place) {
    case Place::kUnknown:
      co_return no_such_path();
    case Place::kUnknownResource:
      co_return no_such_resource();
    case Place::kObject:
    case Place::kCollection:
      co_return co_await answer_resource(asked);
    case Place::kReview:
      if (asked.http.method != "POST") co_return method_not_allowed();
      co_return answer_review(asked.http, asked.route, asked.identity);
    case Place::kCoreVersions:
    case Place::kGroups:
    case Place::kGroup:
    case Place::kGroupVersion:
      co_return reads ? answer_discovery(asked) : method_not_allowed();
    case Place::kOther:
      co_return reads ? answer_other(asked) : method_not_allowed();
  }
  co_return no_such_path();
}

asio::awaitable<http::Response> ApiServer::answer_resource(const Asked& asked) {
  const auto form = choose_object_form(parse_accept(asked.http.header("Accept")));
  if (!form) co_return not_acceptable();
  const Route& route = asked.route;
  const std::string_view method = asked.http.method;
  const bool collection = route.place == Place::kCollection;
  const WriteRequest write{asked.http, route, asked.query, *form};
  if (method == "GET" || method == "HEAD") {
    const ReadRequest read{route, asked.query, *form};
    co_return collection ? read_collection(registry_, read) : read_object(registry_, read);
  }
  if (method == "POST" && collection && (!route.type->namespaced || !route.ns.empty())) {
    co_return co_await create_object(registry_, write);
  }
  if (method == "DELETE" && collection) co_return co_await delete_collection(registry_, write);
  if (method == "PUT" && !collection) co_return co_await update_object(registry_, write);
  if (method == "PATCH" && !collection) co_return co_await patch_object(registry_, write);
  if (method == "DELETE" && !collection && route.subresource.empty()) {
    co_return co_await delete_object(registry_, write);
  }
  co_return method_not_allowed();
}

http::Response ApiServer::answer_discovery(const Asked& asked) const {
  const Route& route = asked.route;
  const auto accepted = parse_accept(asked.http.header("Accept"));
  const bool core = route.place == Place::kCoreVersions;
  if (core || route.place == Place::kGroups) {
    const std::string version = choose_discovery_version(accepted);
    if (version.empty()) {
      return json_answer(200, core ? core_versions(options_.address) : group_list());
    }
    http::Response response = json_answer(200, aggregated(core, version));
    response.content_type =
        "application/json;g=apidiscovery.k8s.io;v=" + version + ";as=APIGroupDiscoveryList";
    response.headers.emplace_back("Vary", "Accept");
    return response;
  }
  if (route.place == Place::kGroup) return json_answer(200, group(route.group));
  return json_answer(200, resource_list(route.group, route.version));
}

http::Response ApiServer::answer_other(const Asked& asked) {
  const std::string& path = asked.route.path;
  if (path == "/version") return json_answer(200, version_document());
  if (path == "/healthz" || path == "/livez" || path == "/readyz") return text_answer(200, "ok");
  if (path == "/metrics") {
    http::Response response =
        text_answer(200, metrics_.render(registry_.store(), options_.connections()));
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return response;
  }
  if (path == "/") {
    return json_answer(
        200, {{"paths", json::array{"/api", "/apis", "/healthz", "/livez", "/metrics",
                                    "/openapi/v2", "/openapi/v3", "/readyz", "/version"}}});
  }
  if (auto document = documents_.answer(asked.http, path)) return *std::move(document);
  return no_such_path();
}

}  // namespace fairlead::rest
