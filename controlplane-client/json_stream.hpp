// Cuts an answer of any length into objects while it arrives, so that a list of 10,000 is never
// held as a whole.
#pragma once

#include <boost/json.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "model/object.hpp"
#include "model/result.hpp"

namespace fairlead::client {

/// Receives what a JsonStream cuts. The values live until the call returns.
struct JsonStreamSink {
  virtual ~JsonStreamSink() = default;
  /// A whole event of a watch, or one element of a list's `items`.
  virtual void value(const boost::json::value& value) = 0;
  /// Any other member of a list: kind, apiVersion, metadata.
  virtual void member(std::string_view key, const boost::json::value& value) = 0;
  /// An object that is too large or nested too deeply. `name` is as far as it could be read; its
  /// parts may be empty.
  virtual void oversized(const ObjectName& name, std::string_view why) = 0;
};

/// Limits of one object. etcd stores at most 1.5 MiB for one, which is less than this as JSON.
struct ObjectLimits {
  std::size_t bytes = std::size_t{4} << 20;  // of keys and strings, and 24 for each value
  std::size_t depth = 64;
};

/// A push parser: Boost.JSON's, with its events routed into one value at a time.
class JsonStream {
 public:
  enum class Shape {
    kEvents,  // JSON documents one after the other, each given to value()
    kList,    // one JSON object, whose `items` are given to value() one by one
  };
  JsonStream(Shape shape, JsonStreamSink& sink, ObjectLimits limits = {});
  ~JsonStream();
  JsonStream(JsonStream&&) = delete;

  /// The next bytes, cut anywhere. After an error only destruction is left.
  Result<> feed(std::string_view bytes);
  /// Nothing follows: an error if a document was left unfinished, or none came where one was due
  /// (kList).
  Result<> finish();

 private:
  struct Handler;
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace fairlead::client
