// Boost.JSON keeps the last of two equal keys and says nothing; Kubernetes' strict validation wants
// to hear of it. So the text is run through the parser once more with a handler that remembers the
// keys of each open object.
#include <boost/json/basic_parser_impl.hpp>
#include <set>

#include "controlplane/api/normalize.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

struct Level {
  bool is_array = false;
  std::size_t index = 0;
  std::string key;
  std::set<std::string, std::less<>> keys;
};

class KeyWatcher {
 public:
  // NOLINTBEGIN(readability-identifier-naming): Boost.JSON asks for these names.
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  // NOLINTEND(readability-identifier-naming)
  using Code = boost::system::error_code;

  std::vector<std::string> found;

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) { return open(false); }
  bool on_object_end(std::size_t, Code&) { return close(); }
  bool on_array_begin(Code&) { return open(true); }
  bool on_array_end(std::size_t, Code&) { return close(); }
  bool on_key_part(json::string_view part, std::size_t, Code&) { return add(part); }
  bool on_key(json::string_view part, std::size_t, Code&) {
    add(part);
    Level& level = levels_.back();
    level.key = std::move(text_);
    text_.clear();
    if (!level.keys.insert(level.key).second) {
      found.push_back("duplicate field " + json::serialize(json::string(path())));
    }
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, Code&) { return true; }
  bool on_string(json::string_view, std::size_t, Code&) { return value(); }
  bool on_number_part(json::string_view, Code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, Code&) { return value(); }
  bool on_uint64(std::uint64_t, json::string_view, Code&) { return value(); }
  bool on_double(double, json::string_view, Code&) { return value(); }
  bool on_bool(bool, Code&) { return value(); }
  bool on_null(Code&) { return value(); }
  bool on_comment_part(json::string_view, Code&) { return true; }
  bool on_comment(json::string_view, Code&) { return true; }

 private:
  bool add(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool open(bool is_array) {
    levels_.push_back({is_array, 0, {}, {}});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return value();
  }
  bool value() {
    if (!levels_.empty() && levels_.back().is_array) ++levels_.back().index;
    return true;
  }
  [[nodiscard]] std::string path() const {
    std::string result;
    for (const Level& level : levels_) {
      if (level.is_array) {
        result += "[" + std::to_string(level.index) + "]";
      } else {
        result += (result.empty() ? "" : ".") + level.key;
      }
    }
    return result;
  }

  std::vector<Level> levels_;
  std::string text_;
};

}  // namespace

std::vector<std::string> duplicate_keys(std::string_view text) {
  json::parse_options options;
  options.max_depth = 100;
  json::basic_parser<KeyWatcher> parser(options);
  boost::system::error_code error;
  parser.write_some(false, text.data(), text.size(), error);
  return std::move(parser.handler().found);
}

}  // namespace fairlead::api
