// Stored JSON -> parsed once to put the resourceVersion in -> serialised once for all who will read
// it.
#include "controlplane/store/object.hpp"

namespace fairlead::store {

namespace json = boost::json;

namespace {

// What was accepted must be readable again; how deep a client may nest was decided before.
constexpr std::size_t kAnyDepth = 1024;
const json::parse_options kStoredJson{.max_depth = kAnyDepth};

}  // namespace

json::object Object::parse() const {
  // The bytes are our own serialisation: they parse.
  return json::parse(bytes, {}, kStoredJson).as_object();
}

const json::object& Object::metadata() const { return head.begin()->value().get_object(); }

std::string_view Object::metadata(std::string_view name) const {
  const json::value* value = metadata().if_contains(name);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

Result<ObjectPtr> make_object(std::string key, Revision revision, std::string_view text) {
  json::error_code error;
  json::value parsed = json::parse(text, error, {}, kStoredJson);
  if (error) return failure(error, "stored object " + key);
  json::object* object = parsed.if_object();
  json::value* metadata = object == nullptr ? nullptr : object->if_contains("metadata");
  if (metadata == nullptr || !metadata->is_object()) {
    return invalid("stored object " + key + ": no metadata");
  }
  metadata->get_object()["resourceVersion"] = std::to_string(revision);
  auto made = std::make_shared<Object>();
  made->key = std::move(key);
  made->revision = revision;
  made->bytes = json::serialize(parsed);
  made->head["metadata"] = std::move(*metadata);
  return made;
}

std::string stored_bytes(const json::object& object) {
  json::object copy = object;
  if (json::value* metadata = copy.if_contains("metadata")) {
    if (json::object* fields = metadata->if_object()) fields->erase("resourceVersion");
  }
  return json::serialize(copy);
}

std::string_view collection_of(std::string_view key) { return key.substr(0, key.find('/')); }

}  // namespace fairlead::store
