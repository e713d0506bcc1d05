// Query -> options. Each rule and each text is kube-apiserver's.
#include "controlplane/rest/options.hpp"

#include <charconv>

#include "controlplane/registry/registry.hpp"

namespace fairlead::rest {
namespace {

namespace json = boost::json;

constexpr std::int64_t kLongestWatch = 24L * 3600;  // seconds; more than a clock can add is no use

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || last != end) return std::nullopt;
  return number;
}

/// A whole number of the query; absent and "" are 0.
api::ApiResult<std::int64_t> number_in(const http::Query& query, std::string_view name) {
  const std::string_view text = query.get(name).value_or("");
  if (text.empty()) return 0;
  const auto number = parse_number<std::int64_t>(text);
  if (number && *number >= 0) return *number;
  return tl::unexpected(
      api::bad_request("strconv.ParseInt: parsing \"" + std::string(text) + "\": invalid syntax"));
}

api::ApiResult<void> parse_revision(const http::Query& query, ListOptions& options) {
  const std::string_view text = query.get("resourceVersion").value_or("");
  if (!text.empty()) {
    options.revision = parse_number<Revision>(text);
    if (!options.revision) {
      return tl::unexpected(invalid_options(
          "ListOptions",
          {api::invalid_value("resourceVersion", json::value(text), "invalid resource version")}));
    }
  }
  const std::string_view match = query.get("resourceVersionMatch").value_or("");
  if (match == "NotOlderThan") options.match = RevisionMatch::kNotOlderThan;
  if (match == "Exact") options.match = RevisionMatch::kExact;
  if (!match.empty() && options.match == RevisionMatch::kUnset) {
    return tl::unexpected(invalid_options(
        "ListOptions", {api::not_supported("resourceVersionMatch", json::value(match),
                                           {"Exact", "NotOlderThan"})}));
  }
  return {};
}

/// What is wrong with the combination of the options; "" if nothing is.
std::string_view why_forbidden(const ListOptions& options) {
  if (options.watch) {
    if (options.send_initial_events && options.match != RevisionMatch::kNotOlderThan) {
      return "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
    }
    if (!options.send_initial_events && options.match != RevisionMatch::kUnset) {
      return "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
    }
    return {};
  }
  if (options.send_initial_events) return "sendInitialEvents is forbidden for list";
  if (options.match == RevisionMatch::kUnset) return {};
  if (!options.revision) {
    return "resourceVersionMatch is forbidden unless resourceVersion is provided";
  }
  if (options.match == RevisionMatch::kExact && options.revision == Revision{0}) {
    return "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
  }
  return {};
}

}  // namespace

api::StatusError invalid_options(std::string_view kind, const api::FieldErrors& errors) {
  api::ResourceType type;
  type.group = "meta.k8s.io";
  type.version = "v1";
  type.kind = kind;
  return api::invalid_object(type, "", errors);
}

api::ApiResult<ListOptions> parse_list_options(const api::ResourceType& type,
                                               const http::Query& query) {
  ListOptions options;
  TRY(options.labels, api::LabelSelector::parse(query.get("labelSelector").value_or("")));
  TRY(options.fields, api::FieldSelector::parse(type, query.get("fieldSelector").value_or("")));
  TRY(const std::int64_t limit, number_in(query, "limit"));
  TRY(const std::int64_t timeout, number_in(query, "timeoutSeconds"));
  options.limit = static_cast<std::size_t>(limit);
  if (timeout > 0) options.timeout = std::chrono::seconds(std::min(timeout, kLongestWatch));
  options.continue_token = query.get("continue").value_or("");
  options.watch = query.is_true("watch");
  options.bookmarks = query.is_true("allowWatchBookmarks");
  if (query.get("sendInitialEvents")) {
    options.send_initial_events = query.is_true("sendInitialEvents");
  }
  TRY_VOID(parse_revision(query, options));
  if (!options.watch && !options.continue_token.empty() && options.revision > Revision{0}) {
    return tl::unexpected(
        api::bad_request("specifying resource version is not allowed when using continue"));
  }
  if (const std::string_view why = why_forbidden(options); !why.empty()) {
    const std::string field = options.send_initial_events && !options.watch
                                  ? "sendInitialEvents"
                                  : "resourceVersionMatch";
    return tl::unexpected(invalid_options("ListOptions", {api::forbidden_value(field, why)}));
  }
  const std::string_view include = query.get("includeObject").value_or("");
  if (include == "Object") options.include = api::IncludeObject::kObject;
  if (include == "None") options.include = api::IncludeObject::kNone;
  return options;
}

store::Filter make_filter(const api::ResourceType& type, const ListOptions& options) {
  if (!options.has_selector()) return {};
  return [&type, labels = options.labels, fields = options.fields](const store::Object& object) {
    if (!labels.matches(object.head)) return false;
    return fields.empty() || fields.matches(registry::shown(type, object));
  };
}

api::ApiResult<WriteOptions> parse_write_options(std::string_view kind, const http::Query& query) {
  WriteOptions options;
  for (const std::string_view value : query.get_all("dryRun")) {
    if (value != "All") {
      return tl::unexpected(
          invalid_options(kind, {api::not_supported("dryRun", json::array{value}, {"All"})}));
    }
    options.dry_run = true;
  }
  TRY(options.validation, api::parse_field_validation(query.get("fieldValidation").value_or("")));
  return options;
}

}  // namespace fairlead::rest
