// Options are checked, the page is taken from memory at the revision that they ask for, and
// rendered.
#include "controlplane/rest/read.hpp"

#include "controlplane/rest/answer.hpp"
#include "controlplane/rest/render.hpp"
#include "controlplane/rest/watch.hpp"

namespace fairlead::rest {
namespace {

namespace json = boost::json;

/// Clients that do not say how long are sent away after half an hour to an hour, at different
/// times.
constexpr std::uint64_t kLeastWatchSeconds = 1800;

api::StatusError future_revision(Revision asked, Revision current) {
  api::StatusError error;
  error.code = 504;
  error.reason = "Timeout";
  error.message = "Timeout: Too large resource version: " + std::to_string(asked) +
                  ", current: " + std::to_string(current);
  error.details = {{"causes", json::array{{{"reason", "ResourceVersionTooLarge"},
                                           {"message", "Too large resource version"}}}},
                   {"retryAfterSeconds", 1}};
  return error;
}

http::Response expired(std::string message, std::string_view new_token) {
  json::object body = api::status_body({410, "Expired", std::move(message), {}});
  if (!new_token.empty()) body["metadata"] = json::object{{"continue", new_token}};
  return json_answer(410, body);
}

Rendering rendering_of(registry::Registry& registry, const ReadRequest& request) {
  Rendering rendering{.type = request.route.type, .form = request.form, .now = registry.now()};
  const std::string_view include = request.query.get("includeObject").value_or("");
  if (include == "Object") rendering.include = api::IncludeObject::kObject;
  if (include == "None") rendering.include = api::IncludeObject::kNone;
  return rendering;
}

http::Response list(registry::Registry& registry, const ReadRequest& request,
                    const ListOptions& options, store::ListRequest wanted) {
  store::Store& store = registry.store();
  if (options.revision > store.revision()) {
    http::Response response = refusal(future_revision(*options.revision, store.revision()));
    response.headers.emplace_back("Retry-After", "1");
    return response;
  }
  if (options.match == RevisionMatch::kExact) wanted.at = options.revision;
  if (!options.continue_token.empty()) {
    auto token = decode_continue(options.continue_token, wanted.prefix);
    if (!token) return refusal(token.error());
    wanted.after = token->after;
    if (token->revision != 0) wanted.at = token->revision;
  }
  const auto page = store.list(wanted);
  if (!page && !options.continue_token.empty()) {
    // The client may go on from the newest state: what it has may then not fit what follows.
    return expired(
        "The provided continue parameter is too old to display a consistent list result. You can "
        "start a new list without the continue parameter, or use the continue token in this "
        "response to retrieve the remainder of the results. Continuing with the provided token "
        "results in an inconsistent list - objects that were created, modified, or deleted between "
        "the time the first chunk was returned and now may show up in the list.",
        encode_continue({Revision(-1), wanted.after}, wanted.prefix));
  }
  if (!page) return expired("The resourceVersion for the provided list is too old.", "");
  std::string token;
  if (page->more) {
    token = encode_continue({page->revision, page->items.back()->key}, wanted.prefix);
  }
  return json_answer(
      200, render_list(rendering_of(registry, request), *page, token, !options.has_selector()));
}

http::Response watch(registry::Registry& registry, const ReadRequest& request, ListOptions options,
                     store::ListRequest wanted) {
  WatchRequest what{.prefix = std::move(wanted.prefix),
                    .filter = std::move(wanted.filter),
                    .rendering = rendering_of(registry, request),
                    .options = std::move(options),
                    .longest = std::chrono::seconds(kLeastWatchSeconds +
                                                    registry.random()() % kLeastWatchSeconds)};
  auto stream = std::make_shared<WatchStream>(registry, std::move(what));
  http::Response response;
  response.content_type = "application/json";
  response.stream = [stream](http::BodyStream& body) { return stream->run(body); };
  return response;
}

}  // namespace

http::Response read_object(registry::Registry& registry, const ReadRequest& request) {
  const Route& route = request.route;
  const auto object = registry.store().get(registry::key_of(*route.type, route.ns, route.name));
  if (!object) return refusal(api::not_found(*route.type, route.name));
  return json_answer(200, render_object(rendering_of(registry, request), *object));
}

http::Response read_collection(registry::Registry& registry, const ReadRequest& request) {
  const Route& route = request.route;
  auto options = parse_list_options(*route.type, request.query);
  if (!options) return refusal(options.error());
  store::ListRequest wanted{.prefix = registry::prefix_of(*route.type, route.ns),
                            .filter = make_filter(*route.type, *options),
                            .limit = options->limit};
  if (options->watch) return watch(registry, request, *std::move(options), std::move(wanted));
  return list(registry, request, *options, std::move(wanted));
}

}  // namespace fairlead::rest
