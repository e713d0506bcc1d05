// RFC 6902: one operation after the other on a copy; the first that fails ends it.
#include <charconv>
#include <utility>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/patch.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;
using Pointer = std::vector<std::string>;  // unescaped reference tokens

Result<Pointer> parse_pointer(std::string_view text) {
  Pointer tokens;
  if (text.empty()) return tokens;
  if (text.front() != '/')
    return invalid("pointer \"" + std::string(text) + "\" does not begin with /");
  tokens.emplace_back();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '/') {
      tokens.emplace_back();
    } else if (text[i] == '~') {
      char next = i + 1 < text.size() ? text[++i] : ' ';
      if (next != '0' && next != '1')
        return invalid("pointer \"" + std::string(text) + "\" has a bad escape");
      tokens.back().push_back(next == '0' ? '~' : '/');
    } else {
      tokens.back().push_back(text[i]);
    }
  }
  return tokens;
}

/// An index below `limit`. No leading zeroes, no sign.
Result<std::size_t> parse_index(const std::string& token, std::size_t limit) {
  std::size_t index = 0;
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  bool number = error == std::errc() && end == token.data() + token.size() && !token.empty();
  if (!number || (token.size() > 1 && token.front() == '0')) {
    return invalid("\"" + token + "\" is not a list index");
  }
  if (index >= limit) return invalid("index " + token + " is out of range");
  return index;
}

Result<json::value*> child(json::value& parent, const std::string& token) {
  if (json::object* object = parent.if_object()) {
    json::value* found = object->if_contains(token);
    if (found == nullptr) return invalid("there is no \"" + token + "\"");
    return found;
  }
  if (json::array* array = parent.if_array()) {
    TRY(std::size_t index, parse_index(token, array->size()));
    return &(*array)[index];
  }
  return invalid("\"" + token + "\" is looked for in what is neither object nor list");
}

Result<json::value*> locate(json::value& root, const Pointer& pointer, std::size_t depth) {
  json::value* here = &root;
  for (std::size_t i = 0; i < depth; ++i) {
    TRY(here, child(*here, pointer[i]));
  }
  return here;
}

Result<void> add(json::value& root, const Pointer& pointer, json::value value) {
  if (pointer.empty()) {
    root = std::move(value);
    return {};
  }
  TRY(json::value * parent, locate(root, pointer, pointer.size() - 1));
  const std::string& last = pointer.back();
  if (json::object* object = parent->if_object()) {
    (*object)[last] = std::move(value);
    return {};
  }
  json::array* array = parent->if_array();
  if (array == nullptr)
    return invalid("\"" + last + "\" is added to what is neither object nor list");
  std::size_t index = array->size();
  if (last != "-") {
    TRY(index, parse_index(last, array->size() + 1));
  }
  array->insert(array->begin() + static_cast<std::ptrdiff_t>(index), std::move(value));
  return {};
}

Result<json::value> remove(json::value& root, const Pointer& pointer) {
  if (pointer.empty()) return std::exchange(root, nullptr);
  TRY(json::value * found, locate(root, pointer, pointer.size()));
  json::value removed = std::exchange(*found, nullptr);
  TRY(json::value * parent, locate(root, pointer, pointer.size() - 1));
  if (json::object* object = parent->if_object()) {
    object->erase(pointer.back());
  } else {
    json::array& array = parent->get_array();
    array.erase(array.begin() + (found - array.data()));
  }
  return removed;
}

Result<void> apply_one(json::value& root, const json::object& operation) {
  std::string_view op = text_at(operation, {"op"});
  const json::value* path_text = operation.if_contains("path");
  if (path_text == nullptr || !path_text->is_string()) return invalid("an operation without path");
  TRY(Pointer path, parse_pointer(text_of(*path_text)));
  const json::value* value = operation.if_contains("value");
  bool takes_value = op == "add" || op == "replace" || op == "test";
  if (takes_value && value == nullptr) return invalid("an operation without value");

  if (op == "add") return add(root, path, *value);
  if (op == "remove") {
    TRY_VOID(remove(root, path));
    return {};
  }
  if (op == "replace" || op == "test") {
    TRY(json::value * found, locate(root, path, path.size()));
    if (op == "replace") {
      *found = *value;
    } else if (*found != *value) {
      return invalid("test failed");
    }
    return {};
  }
  if (op != "move" && op != "copy") return invalid("unknown operation \"" + std::string(op) + "\"");
  TRY(Pointer from, parse_pointer(text_at(operation, {"from"})));
  if (op == "copy") {
    TRY(json::value * source, locate(root, from, from.size()));
    return add(root, path, json::value(*source));
  }
  bool into_itself =
      path.size() > from.size() && std::equal(from.begin(), from.end(), path.begin());
  if (into_itself) return invalid("a value is moved into itself");
  TRY(json::value moved, remove(root, from));
  return add(root, path, std::move(moved));
}

/// Rough size of a document, to stop a patch of copies that doubles it again and again.
std::size_t weight(const json::value& value) {
  std::size_t sum = 1;
  if (const json::string* text = value.if_string()) sum += text->size();
  if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array) sum += weight(element);
  }
  if (const json::object* object = value.if_object()) {
    for (const auto& [key, element] : *object) sum += key.size() + weight(element);
  }
  return sum;
}

}  // namespace

Result<json::value> json_patch(json::value document, const json::value& patch) {
  constexpr std::size_t kMostBytes = 3 << 20;
  if (!patch.is_array()) return invalid("a JSON patch is a list of operations");
  std::size_t index = 0;
  for (const json::value& operation : patch.get_array()) {
    std::string where = "operation " + std::to_string(index++);
    if (!operation.is_object()) return invalid(where + ": not an object");
    if (auto done = apply_one(document, operation.get_object()); !done) {
      std::string op(text_at(operation.get_object(), {"op"}));
      std::string path(text_at(operation.get_object(), {"path"}));
      return prefix(where + " (" + op + " " + path + ")", std::move(done).error());
    }
    if (text_at(operation.get_object(), {"op"}) == "copy" && weight(document) > kMostBytes) {
      return invalid(where + ": the document grows too large");
    }
  }
  return document;
}

}  // namespace fairlead::api
