// bytes -> Boost.JSON's SAX parser -> Handler -> one boost::json::value at a time -> JsonStreamSink
//
// The handler knows only depth and the keys of the way down. Where a value begins at a place that
// is asked for (a whole document, an element of "items", another member of a list) it collects the
// parser's events into a value_stack until that value ends. A value that grows beyond the limits is
// dropped on the way, and the parser runs on past it; its name is picked up from metadata.namespace
// and metadata.name, so that somebody can be told which object it was.
#include "controlplane-client/json_stream.hpp"

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <limits>
#include <optional>

namespace fairlead::client {
namespace {

namespace json = boost::json;
using json::string_view;

// Keys are remembered to this depth: {"object": {"metadata": {"name"
constexpr std::size_t kPathDepth = 4;
// DNS names are at most 253 bytes. What is longer names nothing that exists.
constexpr std::size_t kLongestName = 253;

}  // namespace

struct JsonStream::Handler {
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  Handler(Shape shape, JsonStreamSink& sink, ObjectLimits limits)
      : shape_(shape), sink_(sink), limits_(limits) {}

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code&) {
    open(true);
    return true;
  }
  bool on_object_end(std::size_t n, json::error_code&) {
    if (collecting()) stack_.push_object(n);
    close();
    return true;
  }
  bool on_array_begin(json::error_code& error) {
    if (shape_ == Shape::kList && depth_ == 0) return refuse(error);
    open(false);
    return true;
  }
  bool on_array_end(std::size_t n, json::error_code&) {
    if (collecting()) stack_.push_array(n);
    close();
    return true;
  }

  bool on_key_part(string_view part, std::size_t, json::error_code&) {
    grow(part.size());
    if (path_wanted()) append_bounded(path_[depth_ - 1], part, key_open_);
    key_open_ = true;
    if (collecting()) stack_.push_chars(part);
    return true;
  }
  bool on_key(string_view part, std::size_t, json::error_code&) {
    grow(part.size());
    if (path_wanted()) append_bounded(path_[depth_ - 1], part, key_open_);
    key_open_ = false;
    if (collecting()) stack_.push_key(part);
    return true;
  }

  bool on_string_part(string_view part, std::size_t, json::error_code& error) {
    if (!string_open_ && !begin_scalar(error)) return false;
    grow(part.size());
    if (std::string* name = name_place()) append_bounded(*name, part, string_open_);
    string_open_ = true;
    if (collecting()) stack_.push_chars(part);
    return true;
  }
  bool on_string(string_view part, std::size_t, json::error_code& error) {
    if (!string_open_ && !begin_scalar(error)) return false;
    grow(part.size());
    if (std::string* name = name_place()) append_bounded(*name, part, string_open_);
    string_open_ = false;
    if (collecting()) stack_.push_string(part);
    end_value();
    return true;
  }

  bool on_number_part(string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t number, string_view, json::error_code& error) {
    return scalar(error, [&] { stack_.push_int64(number); });
  }
  bool on_uint64(std::uint64_t number, string_view, json::error_code& error) {
    return scalar(error, [&] { stack_.push_uint64(number); });
  }
  bool on_double(double number, string_view, json::error_code& error) {
    return scalar(error, [&] { stack_.push_double(number); });
  }
  bool on_bool(bool truth, json::error_code& error) {
    return scalar(error, [&] { stack_.push_bool(truth); });
  }
  bool on_null(json::error_code& error) {
    return scalar(error, [&] { stack_.push_null(); });
  }
  bool on_comment_part(string_view, json::error_code&) { return true; }
  bool on_comment(string_view, json::error_code&) { return true; }

 private:
  // A list must be an object; anything else at its top is not what was asked for.
  static bool refuse(json::error_code& error) {
    error = json::error::not_object;
    return false;
  }

  [[nodiscard]] bool in_value() const { return value_depth_.has_value(); }
  [[nodiscard]] bool collecting() const { return in_value() && why_oversized_.empty(); }
  [[nodiscard]] bool in_items() const {
    return depth_ == 2 && array_at_one_ && path_[0] == "items";
  }
  [[nodiscard]] bool path_wanted() const { return depth_ >= 1 && depth_ <= kPathDepth; }

  // True where a value that begins now is one that the sink is given.
  [[nodiscard]] bool wanted_here(bool is_array) const {
    if (shape_ == Shape::kEvents) return depth_ == 0;
    return in_items() || (depth_ == 1 && !(is_array && path_[0] == "items"));
  }

  void begin_value(bool is_array) {
    if (in_value() || !wanted_here(is_array)) return;
    value_depth_ = depth_;
    size_ = 0;
    why_oversized_ = {};
    name_ = {};
    stack_.reset(&memory_);
  }

  void end_value() {
    if (!in_value() || *value_depth_ != depth_) return;
    const bool is_member = shape_ == Shape::kList && depth_ == 1;
    value_depth_.reset();
    if (!why_oversized_.empty()) {
      sink_.oversized(name_, why_oversized_);
    } else {
      const json::value value = stack_.release();
      if (is_member) {
        sink_.member(path_[0], value);
      } else {
        sink_.value(value);
      }
    }
    memory_.release();
  }

  void open(bool is_object) {
    begin_value(!is_object);
    grow(0);
    if (shape_ == Shape::kList && depth_ == 1) array_at_one_ = !is_object;
    if (path_wanted_below()) path_[depth_].clear();
    ++depth_;
    if (in_value() && depth_ - *value_depth_ > limits_.depth) drop("nested too deeply");
  }
  [[nodiscard]] bool path_wanted_below() const { return depth_ < kPathDepth; }

  void close() {
    --depth_;
    end_value();
  }

  bool begin_scalar(json::error_code& error) {
    if (shape_ == Shape::kList && depth_ == 0) return refuse(error);
    begin_value(false);
    return true;
  }

  template <class Push>
  bool scalar(json::error_code& error, Push push) {
    if (!begin_scalar(error)) return false;
    grow(0);
    if (collecting()) push();
    end_value();
    return true;
  }

  void grow(std::size_t bytes) {
    if (!collecting()) return;
    size_ += bytes + sizeof(json::value);
    if (size_ > limits_.bytes) drop("too large");
  }

  void drop(std::string_view why) {
    if (!collecting()) return;
    why_oversized_ = why;
    stack_.reset(&memory_);  // frees nothing of memory_ itself: end_value does
  }

  // Where a string that is being read belongs, if it is metadata.name or metadata.namespace of the
  // object.
  std::string* name_place() {
    if (!in_value()) return nullptr;
    const std::size_t top =
        *value_depth_ + (shape_ == Shape::kEvents ? 1 : 0);  // an event's object is one level down
    if (depth_ != top + 2 || depth_ > kPathDepth || path_[top] != "metadata") return nullptr;
    if (path_[top + 1] == "name") return &name_.name;
    if (path_[top + 1] == "namespace") return &name_.ns;
    return nullptr;
  }

  static void append_bounded(std::string& text, string_view part, bool continues) {
    if (!continues) text.clear();
    text.append(part.data(),
                std::min(part.size(), kLongestName - std::min(kLongestName, text.size())));
  }

  const Shape shape_;
  JsonStreamSink& sink_;
  const ObjectLimits limits_;
  std::array<unsigned char, 16384> first_memory_{};
  json::monotonic_resource memory_{first_memory_.data(), first_memory_.size()};
  json::value_stack stack_;
  std::size_t depth_ = 0;  // containers that are open
  std::array<std::string, kPathDepth>
      path_;                   // path_[i]: the key in the container that was opened as number i + 1
  bool array_at_one_ = false;  // the container at depth 2 is an array
  bool key_open_ = false, string_open_ = false;
  std::optional<std::size_t> value_depth_;  // set while inside a wanted value
  std::size_t size_ = 0;                    // of that value
  std::string_view why_oversized_;          // not empty: that value is being skipped
  ObjectName name_;                         // of that value
};

struct JsonStream::Parser {
  static json::parse_options options() {
    json::parse_options options;
    options.max_depth = 1000;           // the handler skips an object long before
    options.allow_invalid_utf8 = true;  // one object's bad bytes must not cost the whole list
    return options;
  }
  Parser(Shape shape_of_text, JsonStreamSink& sink, ObjectLimits limits)
      : shape(shape_of_text), sax(options(), shape_of_text, sink, limits) {}

  const Shape shape;
  json::basic_parser<Handler> sax;
  bool inside = false;  // a document has begun and not ended
  bool any = false;     // a document has ended
};

JsonStream::JsonStream(Shape shape, JsonStreamSink& sink, ObjectLimits limits)
    : parser_(std::make_unique<Parser>(shape, sink, limits)) {}
JsonStream::~JsonStream() = default;

Result<> JsonStream::feed(std::string_view bytes) {
  while (true) {
    if (!parser_->inside) {  // white space between documents is not the beginning of one
      bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
      if (bytes.empty()) return {};
      if (parser_->any && parser_->shape == Shape::kList) return invalid("text follows the list");
      parser_->sax.reset();
      parser_->inside = true;
    }
    json::error_code error;
    const std::size_t used = parser_->sax.write_some(true, bytes.data(), bytes.size(), error);
    if (error) return failure(error, "not JSON");
    bytes.remove_prefix(used);
    if (!parser_->sax.done()) return {};
    parser_->inside = false;
    parser_->any = true;
  }
}

Result<> JsonStream::finish() {
  if (parser_->inside) return invalid("ends in the middle of an object");
  if (parser_->shape == Shape::kList && !parser_->any) return invalid("empty answer");
  return {};
}

}  // namespace fairlead::client
