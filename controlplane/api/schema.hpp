// The schema of every kind served, as constant tables made from schema/*.schema at build time
// (schema/README.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::api {

enum class FieldType : std::uint8_t {
  kString,
  kBool,
  kInt32,
  kInt64,
  kDouble,
  kBytes,
  kTime,
  kMicroTime,
  kDuration,
  kQuantity,
  kIntOrString,
  kFieldsV1,
  kMessage,
};
enum class Shape : std::uint8_t { kOne, kList, kMap };

/// Bits of Field::flags and Message::flags.
enum : std::uint16_t {
  kPointer = 1,
  kInline = 2,
  kRequired = 4,
  kShown = 8,
  kOmitEmpty = 16,
  kPatchMerge = 32,
  kRetainKeys = 64,
  kAtomic = 128,
  kListSet = 256,
  kKind = 512,
};

struct Field {
  std::string_view json_name;
  std::string_view go_type;  // of one element: "int32", "v1.ServicePort"
  std::string_view description;
  std::string_view merge_key;  // strategic merge
  std::string_view list_keys;  // comma separated: identity in a list
  std::uint16_t number;        // protobuf
  FieldType type;
  Shape shape;
  std::uint16_t flags;
  std::int16_t message;  // index in messages() for kMessage, else -1

  [[nodiscard]] bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
  /// Kubernetes leaves a zero value of this field out.
  [[nodiscard]] bool omits_zero() const {
    return !has(kPointer) && !has(kShown) && (!has(kRequired) || has(kOmitEmpty));
  }
};

struct Message {
  std::string_view name;         // "ServiceSpec"
  std::string_view schema_name;  // "io.k8s.api.core.v1.ServiceSpec"
  std::string_view description;
  std::uint16_t first_field;
  std::uint16_t field_count;
  std::uint16_t flags;

  [[nodiscard]] bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
};

std::span<const Message> messages();
std::span<const Field> fields_of(const Message& message);

/// By full schema name. nullptr if there is none.
const Message* find_message(std::string_view schema_name);
/// By JSON name, also within inlined messages. nullptr if there is none.
const Field* find_field(const Message& message, std::string_view json_name);
/// The message type of a field of type kMessage.
const Message& message_of(const Field& field);
/// As Go would print the field's type: "[]v1.ServicePort", "map[string]string".
std::string go_type(const Field& field);

}  // namespace fairlead::api
