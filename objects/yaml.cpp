// YAML text -> JSON values. yaml-cpp's parser reports events; a builder makes values of them, so
// that no tree of YAML nodes exists in between and every refusal knows its line.
//
//   text --JSON?--> boost::json
//     \--else-----> yaml-cpp events -> Builder -> documents -> lists opened
#include "objects/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <istream>
#include <optional>
#include <streambuf>

#include "objects/fields.hpp"

namespace fairlead {

namespace json = boost::json;

namespace {

constexpr std::size_t kDeepest = 64;

/// Leaves the parser through yaml-cpp, which knows no other way to be stopped; never leaves this
/// file.
struct Refused : std::runtime_error {
  Refused(const YAML::Mark& at, const std::string& why) : std::runtime_error(why), mark(at) {}
  YAML::Mark mark;
};

std::optional<std::uint64_t> digits(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<json::value> integer(std::string_view text) {
  if (text.starts_with("0x")) {
    const auto value = digits(text.substr(2), 16);
    return value ? std::optional<json::value>(*value) : std::nullopt;
  }
  if (text.starts_with("0o")) {
    const auto value = digits(text.substr(2), 8);
    return value ? std::optional<json::value>(*value) : std::nullopt;
  }
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto magnitude = digits(text, 10);
  if (!magnitude) return std::nullopt;
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (negative) {
    if (*magnitude > kLargest) return json::value(-static_cast<double>(*magnitude));
    return json::value(-static_cast<std::int64_t>(*magnitude));
  }
  // As boost::json does: signed where it fits.
  if (*magnitude <= kLargest) return json::value(static_cast<std::int64_t>(*magnitude));
  return json::value(*magnitude);
}

/// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?, the core schema's floats.
std::optional<json::value> fraction(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const std::string_view unsigned_text = text.starts_with('-') ? text.substr(1) : text;
  // from_chars would also take "inf" and "nan", which are text here.
  if (unsigned_text.empty() ||
      unsigned_text.find_first_not_of("0123456789.eE+-") != std::string_view::npos) {
    return std::nullopt;
  }
  if (unsigned_text.find_first_of("0123456789") == std::string_view::npos) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return json::value(value);
}

/// YAML 1.2's core schema (section 10.3.2) for a plain scalar.
json::value plain_scalar(const YAML::Mark& mark, const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
    return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  for (const std::string_view name : {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"}) {
    const std::string_view bare =
        text.starts_with('-') || text.starts_with('+') ? std::string_view(text).substr(1) : text;
    if (bare == name) throw Refused(mark, quoted(text) + " has no JSON form");
  }
  if (auto value = integer(text)) return *std::move(value);
  if (auto value = fraction(text)) return *std::move(value);
  return json::string(text);
}

json::value scalar(const YAML::Mark& mark, const std::string& tag, const std::string& text) {
  // yaml-cpp's own marks: "?" plain, "!" quoted or block.
  if (tag == "?" || tag.empty()) return plain_scalar(mark, text);
  if (tag == "!" || tag == "tag:yaml.org,2002:str") return json::string(text);
  for (const std::string_view known : {"null", "bool", "int", "float"}) {
    if (tag == "tag:yaml.org,2002:" + std::string(known)) return plain_scalar(mark, text);
  }
  throw Refused(mark, "the tag " + quoted(tag) + " has no JSON form");
}

/// Puts events together: a stack of the containers that are open, each with the key that waits for
/// its value.
class Builder : public YAML::EventHandler {
 public:
  std::vector<json::value> take() { return std::move(documents_); }

  /// After some mistakes yaml-cpp reads no further, and yet finds one empty document after the
  /// other there, without end.
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos <= last_start_) throw Refused(mark, "what follows belongs to no document");
    last_start_ = mark.pos;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(mark, nullptr); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused(mark, "aliases are not accepted");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& text) override {
    if (!open_.empty() && open_.back().wants_key()) return add_key(mark, text);
    add(mark, scalar(mark, tag, text));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, json::array());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, json::object());
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    json::value container;
    YAML::Mark mark;
    std::optional<std::string> key = std::nullopt;
    [[nodiscard]] bool wants_key() const { return container.is_object() && !key; }
  };

  void add_key(const YAML::Mark& mark, const std::string& text) {
    if (open_.back().container.get_object().contains(text)) {
      throw Refused(mark, "the key " + quoted(text) + " is there twice");
    }
    open_.back().key = text;
  }

  void open(const YAML::Mark& mark, json::value container) {
    if (!open_.empty() && open_.back().wants_key()) throw Refused(mark, "a key must be text");
    if (open_.size() == kDeepest) throw Refused(mark, "nested deeper than 64");
    open_.push_back({std::move(container), mark});
  }

  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    add(closed.mark, std::move(closed.container));
  }

  void add(const YAML::Mark& mark, json::value value) {
    if (open_.empty()) return documents_.push_back(std::move(value));
    Open& parent = open_.back();
    if (auto* array = parent.container.if_array()) return array->push_back(std::move(value));
    if (!parent.key) throw Refused(mark, "a key must be text");
    parent.container.get_object().emplace(*parent.key, std::move(value));
    parent.key.reset();
  }

  std::vector<Open> open_;
  std::vector<json::value> documents_;
  int last_start_ = -1;  // where the last document began
};

tl::unexpected<Error> at(const YAML::Mark& mark, const std::string& why) {
  return invalid("line " + std::to_string(mark.line + 1) + ", column " +
                 std::to_string(mark.column + 1) + ": " + why);
}

/// A stream over text that somebody else owns.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin =
        const_cast<char*>(text.data());  // std::streambuf has no read-only form; nothing writes
    setg(begin, begin, begin + text.size());
  }
};

Result<std::vector<json::value>> parse_yaml(std::string_view text) {
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  Builder builder;
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    return at(refused.mark, refused.what());
  } catch (const YAML::Exception& error) {
    return at(error.mark, error.msg);
  } catch (const std::exception& error) {
    return invalid(error.what());
  }
  return builder.take();
}

/// JSON is YAML, but yaml-cpp is slow with megabytes of it and knows no surrogate pairs.
std::optional<json::value> parse_json(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || (text[first] != '{' && text[first] != '['))
    return std::nullopt;
  json::parse_options options;
  options.max_depth = kDeepest;
  json::error_code error;
  auto value = json::parse(text, error, {}, options);
  return error ? std::nullopt : std::optional(std::move(value));
}

void fill(json::object& item, std::string_view key, std::string_view value) {
  if (!value.empty() && !item.contains(key)) item.emplace(key, value);
}

/// A List gives its items; those of a ServiceList, as the API server answers, carry no kind of
/// their own.
void open_list(json::value document, std::vector<json::value>& objects) {
  constexpr std::string_view kSuffix = "List";
  const auto* object = document.if_object();
  const auto* kind = object == nullptr ? nullptr : object->if_contains("kind");
  const auto* items = object == nullptr ? nullptr : object->if_contains("items");
  if (kind == nullptr || !kind->is_string() || items == nullptr || !items->is_array() ||
      !std::string_view(kind->get_string()).ends_with(kSuffix)) {
    objects.push_back(std::move(document));
    return;
  }
  std::string_view item_kind = kind->get_string();
  item_kind.remove_suffix(kSuffix.size());
  const auto* version = object->if_contains("apiVersion");
  for (json::value item : items->get_array()) {
    if (auto* fields = item.if_object(); fields != nullptr && !item_kind.empty()) {
      fill(*fields, "kind", item_kind);
      if (version != nullptr && version->is_string())
        fill(*fields, "apiVersion", version->get_string());
    }
    objects.push_back(std::move(item));
  }
}

}  // namespace

Result<std::vector<json::value>> parse_documents(std::string_view text) {
  std::vector<json::value> documents;
  if (auto value = parse_json(text)) {
    documents.push_back(*std::move(value));
  } else {
    TRY(documents, parse_yaml(text));
  }
  std::vector<json::value> objects;
  for (auto& document : documents) {
    if (!document.is_null()) open_list(std::move(document), objects);
  }
  return objects;
}

}  // namespace fairlead
