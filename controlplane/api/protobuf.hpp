// Kubernetes' protobuf wire form, both ways as far as it is needed: requests are decoded by the
// schema, OpenAPI v2 is encoded.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/api/schema.hpp"
#include "model/result.hpp"

namespace fairlead::api {

/// Reads one message field by field. A view: the bytes must outlive it.
class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view bytes) : rest_(bytes) {}

  struct Item {
    std::uint32_t number = 0;
    std::uint32_t wire_type = 0;
    std::uint64_t value = 0;  // wire types 0, 1 and 5
    std::string_view bytes;   // wire type 2
  };
  /// nullopt at the end.
  Result<std::optional<Item>> next();
  /// One varint, as in packed lists. Call while !at_end().
  Result<std::uint64_t> varint();
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  Result<std::string_view> take(std::uint64_t size);
  std::string_view rest_;
};

/// Appends fields to a message.
class ProtobufWriter {
 public:
  void integer(std::uint32_t number, std::uint64_t value);
  void text(std::uint32_t number, std::string_view value);
  void message(std::uint32_t number, const ProtobufWriter& value) { text(number, value.bytes_); }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value);
  std::string bytes_;
};

struct ProtobufBody {
  std::string api_version;
  std::string kind;
  std::string_view raw;  // a view of the body
};

/// Opens `k8s\0` + runtime.Unknown.
Result<ProtobufBody> open_protobuf(std::string_view body);

/// A message as the JSON that Kubernetes would write, before normalize(). Unknown numbers are
/// skipped.
Result<boost::json::object> decode_protobuf(const Message& message, std::string_view bytes);

}  // namespace fairlead::api
