// Kubernetes' strategic merge patch. A patch is walked along with the schema: objects merge key by
// key, a list with a merge key merges element by element, other lists are replaced. Directives:
//   $patch: replace | delete | merge            on an object, or on an element of a keyed list
//   $retainKeys: [keys]                         keys of the object that stay; the others go
//   $deleteFromPrimitiveList/FIELD: [values]    removed from a list of scalars that merges
//   $setElementOrder/FIELD: [order]             the order of the merged list: elements named here
//   come in this order, the rest keep
//                                               their place relative to their neighbours
#include <algorithm>
#include <map>
#include <set>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/patch.hpp"
#include "controlplane/api/schema.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kPatch = "$patch";
constexpr std::string_view kRetain = "$retainKeys";
constexpr std::string_view kDeletePrefix = "$deleteFromPrimitiveList/";
constexpr std::string_view kOrderPrefix = "$setElementOrder/";

Result<json::object> merge_object(const Message* message, json::object object,
                                  const json::object& patch);

/// The value of `key` in an element, as text that compares; "" if missing.
std::string identity(const json::value& element, std::string_view key) {
  if (key.empty()) return json::serialize(element);
  const json::value* found = object_of(element).if_contains(key);
  return found == nullptr ? std::string() : json::serialize(*found);
}

/// An element of a patch's list without directives of its own.
json::value without_directives(const json::value& value) {
  if (const json::array* array = value.if_array()) {
    json::array clean;
    for (const json::value& element : *array) clean.push_back(without_directives(element));
    return clean;
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return value;
  json::object clean;
  for (const auto& [key, inner] : *object) {
    if (key.starts_with("$") || inner.is_null()) continue;
    clean[key] = without_directives(inner);
  }
  return clean;
}

/// The patch's wish for the order of a list -> the list in that order. Elements that the wish does
/// not name ("ours") stay as close to where they were in `before` as the wish allows: each goes in
/// front of the first named element that followed it there.
json::array ordered(json::array list, const json::array& wish, const json::array& before,
                    std::string_view key) {
  std::map<std::string, std::size_t> rank;
  for (const json::value& entry : wish) {
    std::string id =
        key.empty() || !entry.is_object() ? json::serialize(entry) : identity(entry, key);
    rank.emplace(std::move(id), rank.size());
  }
  std::map<std::string, std::size_t> old_place;
  for (const json::value& entry : before) old_place.emplace(identity(entry, key), old_place.size());

  std::vector<json::value> named, rest;
  for (json::value& element : list) {
    (rank.contains(identity(element, key)) ? named : rest).push_back(std::move(element));
  }
  std::ranges::stable_sort(named, {}, [&](const json::value& v) { return rank[identity(v, key)]; });

  auto place = [&](const json::value& v) {
    auto found = old_place.find(identity(v, key));
    return found == old_place.end() ? before.size() : found->second;
  };
  // A merge of two sequences: a server-only element goes first where it stood before the patch's
  // next element.
  json::array result;
  std::size_t next = 0;
  for (json::value& element : named) {
    bool was_there = old_place.contains(identity(element, key));
    while (was_there && next < rest.size() && place(rest[next]) < place(element)) {
      result.push_back(std::move(rest[next++]));
    }
    result.push_back(std::move(element));
  }
  while (next < rest.size()) result.push_back(std::move(rest[next++]));
  return result;
}

Result<json::array> merge_keyed_list(const Field& field, const json::array& before,
                                     const json::array& patch) {
  std::string_view key = field.merge_key;
  const Message* message = field.type == FieldType::kMessage ? &message_of(field) : nullptr;
  json::array result = before;
  for (const json::value& entry : patch) {
    const json::object* wanted = entry.if_object();
    if (wanted == nullptr)
      return invalid("an element of the patch's " + std::string(field.json_name) +
                     " is not an object");
    std::string_view directive = text_at(*wanted, {kPatch});
    if (directive == "replace") {  // the other elements are the whole list
      json::array all;
      for (const json::value& other : patch) {
        if (!object_of(other).contains(kPatch)) all.push_back(without_directives(other));
      }
      return all;
    }
    if (!wanted->contains(key)) {
      return invalid("map: " + json::serialize(*wanted) +
                     " does not contain declared merge key: " + std::string(key));
    }
    std::string id = identity(entry, key);
    auto same = [&](const json::value& element) { return identity(element, key) == id; };
    if (directive == "delete") {
      while (true) {
        auto* found = std::ranges::find_if(result, same);
        if (found == result.end()) break;
        result.erase(found);
      }
      continue;
    }
    auto* found = std::ranges::find_if(result, same);
    if (found == result.end()) {
      result.push_back(without_directives(entry));
    } else {
      TRY(json::object merged, merge_object(message, object_of(*found), *wanted));
      *found = std::move(merged);
    }
  }
  return result;
}

json::array merge_set(const json::array& before, const json::array& patch) {
  json::array result = before;
  for (const json::value& value : patch) {
    if (std::ranges::find(result, value) == result.end()) result.push_back(value);
  }
  return result;
}

bool merges(const Field* field) {
  return field != nullptr && field->shape == Shape::kList && field->has(kPatchMerge);
}

Result<json::value> merge_list(const Field& field, const json::array& before,
                               const json::array& patch) {
  if (field.merge_key.empty()) return json::value(merge_set(before, patch));
  TRY(json::array merged, merge_keyed_list(field, before, patch));
  return json::value(std::move(merged));
}

/// One ordinary key of a patch.
Result<void> merge_key(const Message* message, json::object& object, std::string_view key,
                       const json::value& patch) {
  const Field* field = message == nullptr ? nullptr : find_field(*message, key);
  if (patch.is_null()) {
    object.erase(key);
    return {};
  }
  if (merges(field) && patch.is_array()) {
    const json::array before = array_at(object, {key});
    TRY(object[key], merge_list(*field, before, patch.get_array()));
    return {};
  }
  if (!patch.is_object()) {
    object[key] = patch.is_array() ? without_directives(patch) : patch;
    return {};
  }
  const Message* inner =
      field != nullptr && field->type == FieldType::kMessage && field->shape == Shape::kOne
          ? &message_of(*field)
          : nullptr;
  json::object before = object_at(object, {key});
  bool was_there = object.contains(key);
  TRY(json::object merged, merge_object(inner, std::move(before), patch.get_object()));
  bool deleted = text_at(patch.get_object(), {kPatch}) == "delete";
  if (deleted && !was_there) return {};
  object[key] = std::move(merged);
  return {};
}

/// $deleteFromPrimitiveList and $setElementOrder, after the ordinary keys.
Result<void> apply_list_directives(const Message* message, json::object& object,
                                   const json::object& before, const json::object& patch) {
  for (const auto& [key, value] : patch) {
    if (!key.starts_with(kDeletePrefix)) continue;
    if (!value.is_array()) return invalid(std::string(key) + " must be a list");
    std::string_view name = std::string_view(key).substr(kDeletePrefix.size());
    json::array kept;
    for (const json::value& element : array_at(object, {name})) {
      if (std::ranges::find(value.get_array(), element) == value.get_array().end())
        kept.push_back(element);
    }
    object[name] = std::move(kept);
  }
  for (const auto& [key, value] : patch) {
    if (!key.starts_with(kOrderPrefix)) continue;
    if (!value.is_array()) return invalid(std::string(key) + " must be a list");
    std::string_view name = std::string_view(key).substr(kOrderPrefix.size());
    const Field* field = message == nullptr ? nullptr : find_field(*message, name);
    if (!merges(field) || !object.contains(name)) continue;
    object[name] = ordered(array_at(object, {name}), value.get_array(), array_at(before, {name}),
                           field->merge_key);
  }
  return {};
}

Result<json::object> merge_object(const Message* message, json::object object,
                                  const json::object& patch) {
  std::string_view directive = text_at(patch, {kPatch});
  if (directive == "replace") return without_directives(patch).get_object();
  if (directive == "delete") return json::object{};
  if (patch.contains(kPatch) && directive != "merge") {
    return invalid("unknown patch type found: \"" + std::string(directive) + "\" in map");
  }
  const json::object before = object;
  if (const json::value* retain = patch.if_contains(kRetain)) {
    if (!retain->is_array()) return invalid("$retainKeys must be a list");
    json::object kept;
    for (const json::value& key : retain->get_array()) {
      if (auto* found = object.if_contains(text_of(key))) kept[text_of(key)] = *found;
    }
    object = std::move(kept);
  }
  for (const auto& [key, value] : patch) {
    if (key.starts_with("$")) continue;
    if (auto merged = merge_key(message, object, key, value); !merged) {
      return tl::unexpected(std::move(merged).error());
    }
  }
  TRY_VOID(apply_list_directives(message, object, before, patch));
  return object;
}

}  // namespace

Result<json::object> strategic_merge_patch(const ResourceType& type, json::object document,
                                           const json::object& patch) {
  return merge_object(find_message(type.schema_name), std::move(document), patch);
}

}  // namespace fairlead::api
