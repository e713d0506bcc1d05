// Query -> options, body -> object (or patch, or delete options), then the registry does the work
// and its answer is rendered.
#include "controlplane/rest/write.hpp"

#include "controlplane/rest/answer.hpp"
#include "controlplane/rest/options.hpp"
#include "controlplane/rest/render.hpp"

namespace fairlead::rest {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

registry::Target target_of(const Route& route) {
  return registry::Target(route.type, route.ns, route.name, route.subresource);
}

http::Response render(registry::Registry& registry, const WriteRequest& request, unsigned status,
                      const json::object& object) {
  const Rendering how{.type = request.route.type, .form = request.form, .now = registry.now()};
  return json_answer(status, render_object(how, object));
}

http::Response answer_write(registry::Registry& registry, const WriteRequest& request,
                            const api::ApiResult<registry::Written>& written,
                            const std::vector<std::string>& warnings) {
  http::Response response =
      written ? render(registry, request, written->created ? 201 : 200, written->object)
              : refusal(written.error());
  add_warnings(response, warnings);
  return response;
}

api::ApiResult<json::object> decode(const WriteRequest& request, const WriteOptions& options,
                                    std::vector<std::string>& warnings) {
  return api::decode_body(*request.route.type, request.http.header("Content-Type"),
                          request.http.body, options.validation, warnings);
}

/// The body's options, and those of the query where the body is silent.
api::ApiResult<api::DeleteOptions> delete_options(const WriteRequest& request) {
  TRY(api::DeleteOptions options,
      api::decode_delete_options(request.http.header("Content-Type"), request.http.body));
  TRY(const WriteOptions from_query, parse_write_options("DeleteOptions", request.query));
  options.dry_run = options.dry_run || from_query.dry_run;
  if (options.propagation_policy.empty()) {
    options.propagation_policy = request.query.get("propagationPolicy").value_or("");
  }
  return options;
}

}  // namespace

asio::awaitable<http::Response> create_object(registry::Registry& registry,
                                              const WriteRequest& request) {
  const auto options = parse_write_options("CreateOptions", request.query);
  if (!options) co_return refusal(options.error());
  std::vector<std::string> warnings;
  auto object = decode(request, *options, warnings);
  if (!object) co_return refusal(object.error());
  const auto written =
      co_await registry.create(target_of(request.route), *std::move(object), options->dry_run);
  co_return answer_write(registry, request, written, warnings);
}

asio::awaitable<http::Response> update_object(registry::Registry& registry,
                                              const WriteRequest& request) {
  const auto options = parse_write_options("UpdateOptions", request.query);
  if (!options) co_return refusal(options.error());
  std::vector<std::string> warnings;
  auto object = decode(request, *options, warnings);
  if (!object) co_return refusal(object.error());
  const auto written =
      co_await registry.update(target_of(request.route), *std::move(object), options->dry_run);
  co_return answer_write(registry, request, written, warnings);
}

asio::awaitable<http::Response> patch_object(registry::Registry& registry,
                                             const WriteRequest& request) {
  const auto options = parse_write_options("PatchOptions", request.query);
  if (!options) co_return refusal(options.error());
  std::vector<std::string> warnings;
  registry::Patch patch{std::string(request.http.header("Content-Type")), request.http.body,
                        options->validation};
  const auto written = co_await registry.patch(target_of(request.route), std::move(patch),
                                               options->dry_run, warnings);
  co_return answer_write(registry, request, written, warnings);
}

asio::awaitable<http::Response> delete_object(registry::Registry& registry,
                                              const WriteRequest& request) {
  auto options = delete_options(request);
  if (!options) co_return refusal(options.error());
  const auto deleted = co_await registry.remove(target_of(request.route), *std::move(options));
  if (!deleted) co_return refusal(deleted.error());
  if (!deleted->removed) co_return render(registry, request, 200, deleted->object);
  co_return json_answer(200, api::deleted_body(*request.route.type, deleted->object));
}

asio::awaitable<http::Response> delete_collection(registry::Registry& registry,
                                                  const WriteRequest& request) {
  const api::ResourceType& type = *request.route.type;
  const auto selection = parse_list_options(type, request.query);
  if (!selection) co_return refusal(selection.error());
  const auto options = delete_options(request);
  if (!options) co_return refusal(options.error());
  store::Page page = *registry.store().list({.prefix = registry::prefix_of(type, request.route.ns),
                                             .filter = make_filter(type, *selection)});
  for (const store::ObjectPtr& object : page.items) {
    registry::Target target(&type, std::string(object->metadata("namespace")),
                            std::string(object->metadata("name")));
    const auto deleted = co_await registry.remove(std::move(target), *options);
    if (!deleted && deleted.error().code != 404) co_return refusal(deleted.error());
  }
  page.revision = registry.store().revision();
  const Rendering how{.type = &type, .form = request.form, .now = registry.now()};
  co_return json_answer(200, render_list(how, page, "", false));
}

}  // namespace fairlead::rest
