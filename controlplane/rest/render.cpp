// The common case, JSON of a type that is stored as it is shown, copies the object's shared bytes
// and parses nothing.
#include "controlplane/rest/render.hpp"

#include "controlplane/registry/registry.hpp"

namespace fairlead::rest {
namespace {

namespace json = boost::json;

/// True if the stored bytes are what this type shows: all but events.k8s.io Events, which are kept
/// in the core form.
bool is_stored_as_shown(const api::ResourceType& type) {
  return type.plural != "events" || type.group.empty();
}

json::object partial_metadata(const ObjectForm& form, const json::object& object) {
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", "meta.k8s.io/" + form.version},
          {"metadata", object.at("metadata")}};
}

json::object table(const Rendering& how, json::object metadata) {
  return {{"kind", "Table"},
          {"apiVersion", "meta.k8s.io/" + how.form.version},
          {"metadata", std::move(metadata)}};
}

std::string render_table(const Rendering& how, const json::object& object, bool columns) {
  json::object metadata;
  if (const json::value* revision =
          object.at("metadata").get_object().if_contains("resourceVersion")) {
    metadata["resourceVersion"] = *revision;
  }
  json::object body = table(how, std::move(metadata));
  body["columnDefinitions"] = columns ? json::value(api::table_columns(*how.type)) : json::value();
  body["rows"] = json::array{api::table_row(*how.type, object, how.now, how.include)};
  return json::serialize(body);
}

json::object list_metadata(const store::Page& page, std::string_view continue_token,
                           bool show_remaining) {
  json::object metadata{{"resourceVersion", std::to_string(page.revision)}};
  if (!continue_token.empty()) metadata["continue"] = continue_token;
  if (!continue_token.empty() && show_remaining) metadata["remainingItemCount"] = page.remaining;
  return metadata;
}

}  // namespace

std::string render_object(const Rendering& how, const store::Object& object) {
  if (how.form.form == Form::kJson && is_stored_as_shown(*how.type)) return object.bytes;
  return render_object(how, registry::shown(*how.type, object));
}

std::string render_object(const Rendering& how, const json::object& object) {
  switch (how.form.form) {
    case Form::kTable:
      return render_table(how, object, true);
    case Form::kMetadata:
      return json::serialize(partial_metadata(how.form, object));
    case Form::kJson:
      break;
  }
  return json::serialize(object);
}

std::string render_list(const Rendering& how, const store::Page& page,
                        std::string_view continue_token, bool show_remaining) {
  json::object metadata = list_metadata(page, continue_token, show_remaining);
  if (how.form.form == Form::kTable) {
    json::object body = table(how, std::move(metadata));
    body["columnDefinitions"] = api::table_columns(*how.type);
    json::array rows;
    for (const store::ObjectPtr& object : page.items) {
      rows.push_back(
          api::table_row(*how.type, registry::shown(*how.type, *object), how.now, how.include));
    }
    body["rows"] = std::move(rows);
    return json::serialize(body);
  }
  const bool partial = how.form.form == Form::kMetadata;
  const std::string kind(partial ? "PartialObjectMetadataList" : how.type->list_kind);
  const std::string version =
      partial ? "meta.k8s.io/" + how.form.version : api::api_version(*how.type);
  std::size_t size = 256;
  for (const store::ObjectPtr& object : page.items) size += object->bytes.size() + 1;
  std::string body;
  body.reserve(size);
  body.append(R"({"kind":")").append(kind).append(R"(","apiVersion":")").append(version);
  body.append(R"(","metadata":)").append(json::serialize(metadata)).append(R"(,"items":[)");
  for (const store::ObjectPtr& object : page.items) {
    if (body.back() == '}') body += ',';
    body += render_object(how, *object);
  }
  return body.append("]}");
}

std::string render_event_object(const Rendering& how, const json::object* converted,
                                const store::Object& object, bool first) {
  if (how.form.form == Form::kTable) {
    return render_table(how, converted != nullptr ? *converted : registry::shown(*how.type, object),
                        first);
  }
  return converted != nullptr ? render_object(how, *converted) : render_object(how, object);
}

std::string render_bookmark(const Rendering& how, store::Revision revision,
                            bool initial_events_end) {
  json::object metadata{{"resourceVersion", std::to_string(revision)},
                        {"creationTimestamp", nullptr}};
  if (initial_events_end) {
    metadata["annotations"] = json::object{{"k8s.io/initial-events-end", "true"}};
  }
  if (how.form.form == Form::kTable) {
    json::object body = table(how, json::object{{"resourceVersion", std::to_string(revision)}});
    body["columnDefinitions"] = nullptr;
    body["rows"] = json::array{{{"cells", json::array{}},
                                {"object",
                                 {{"kind", "PartialObjectMetadata"},
                                  {"apiVersion", "meta.k8s.io/" + how.form.version},
                                  {"metadata", metadata}}}}};
    return json::serialize(body);
  }
  json::object body{{"kind", how.type->kind}, {"apiVersion", api::api_version(*how.type)}};
  if (how.form.form == Form::kMetadata) {
    body["kind"] = "PartialObjectMetadata";
    body["apiVersion"] = "meta.k8s.io/" + how.form.version;
  }
  body["metadata"] = std::move(metadata);
  return json::serialize(body);
}

}  // namespace fairlead::rest
