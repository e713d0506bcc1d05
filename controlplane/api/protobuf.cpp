// Body -> envelope (magic, type, raw bytes) -> fields by number -> JSON by the schema. Kubernetes'
// special messages (Time, Quantity, IntOrString, …) become the scalars that their JSON form is.
#include "controlplane/api/protobuf.hpp"

#include <bit>

#include "controlplane/api/base64.hpp"
#include "controlplane/api/normalize.hpp"
#include "objects/decode.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;
using Item = ProtobufReader::Item;

enum : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

/// The fields 1, 2 and 3 of the small special messages.
struct Small {
  std::uint64_t numbers[4] = {};
  std::string_view texts[4];
};

Result<Small> read_small(std::string_view bytes) {
  Small small;
  ProtobufReader reader(bytes);
  while (true) {
    TRY(auto item, reader.next());
    if (!item) return small;
    if (item->number == 0 || item->number > 3) continue;
    small.numbers[item->number] = item->value;
    small.texts[item->number] = item->bytes;
  }
}

Result<json::value> special(const Field& field, std::string_view bytes) {
  TRY(Small small, read_small(bytes));
  switch (field.type) {
    case FieldType::kTime:
    case FieldType::kMicroTime: {
      auto seconds = static_cast<std::int64_t>(small.numbers[1]);
      auto nanos = static_cast<std::int64_t>(small.numbers[2]);
      if (bytes.empty()) return json::value(nullptr);
      // Times that RFC 3339 can write: the years 1 to 9999.
      if (seconds < -62135596800 || seconds > 253402300799 || nanos < 0 || nanos > 999999999) {
        return invalid("time out of range");
      }
      Time time{std::chrono::seconds(seconds) + std::chrono::microseconds(nanos / 1000)};
      return json::value(field.type == FieldType::kTime ? format_time(time)
                                                        : format_micro_time(time));
    }
    case FieldType::kQuantity:
      return json::value(small.texts[1].empty() ? std::string_view("0") : small.texts[1]);
    case FieldType::kIntOrString:
      if (small.numbers[1] == 1) return json::value(small.texts[3]);
      return json::value(static_cast<std::int32_t>(small.numbers[2]));
    case FieldType::kFieldsV1:
      return parse_json(small.texts[1].empty() ? "{}" : small.texts[1]);
    case FieldType::kDuration:
      return json::value(std::to_string(static_cast<std::int64_t>(small.numbers[1])) + "ns");
    default:
      return invalid("not a special message");
  }
}

json::value scalar(const Field& field, std::uint64_t value) {
  switch (field.type) {
    case FieldType::kBool:
      return value != 0;
    case FieldType::kInt32:
      return static_cast<std::int32_t>(value);
    case FieldType::kDouble:
      return std::bit_cast<double>(value);
    default:
      return static_cast<std::int64_t>(value);
  }
}

bool is_scalar(FieldType type) {
  return type == FieldType::kBool || type == FieldType::kInt32 || type == FieldType::kInt64 ||
         type == FieldType::kDouble;
}

Result<json::value> one(const Field& field, const Item& item) {
  bool scalar_on_wire = item.wire_type != kBytes;
  if (is_scalar(field.type) != scalar_on_wire) {
    return invalid("wrong wire type " + std::to_string(item.wire_type));
  }
  if (scalar_on_wire) return scalar(field, item.value);
  switch (field.type) {
    case FieldType::kString:
      return json::value(item.bytes);
    case FieldType::kBytes:
      return json::value(to_base64(item.bytes));
    case FieldType::kMessage: {
      TRY(json::object object, decode_protobuf(message_of(field), item.bytes));
      return json::value(std::move(object));
    }
    default:
      return special(field, item.bytes);
  }
}

Result<void> add_map_entry(const Field& field, std::string_view bytes, json::object& map) {
  ProtobufReader reader(bytes);
  std::string key;
  json::value value = field.type == FieldType::kMessage ? json::value(json::object{}) : "";
  while (true) {
    TRY(auto item, reader.next());
    if (!item) break;
    if (item->number == 1) key = std::string(item->bytes);
    if (item->number == 2) {
      TRY(value, one(field, *item));
    }
  }
  map[key] = std::move(value);
  return {};
}

Result<void> add_to_list(const Field& field, const Item& item, json::array& list) {
  if (is_scalar(field.type) && item.wire_type == kBytes && field.type != FieldType::kDouble) {
    ProtobufReader packed(item.bytes);
    while (!packed.at_end()) {
      TRY(std::uint64_t value, packed.varint());
      list.push_back(scalar(field, value));
    }
    return {};
  }
  TRY(json::value value, one(field, item));
  list.push_back(std::move(value));
  return {};
}

Result<void> add(const Field& field, const Item& item, json::object& object) {
  if (field.has(kInline)) {
    TRY(json::object inner, decode_protobuf(message_of(field), item.bytes));
    for (auto& [key, value] : inner) object[key] = std::move(value);
    return {};
  }
  switch (field.shape) {
    case Shape::kOne: {
      TRY(json::value value, one(field, item));
      object[field.json_name] = std::move(value);
      return {};
    }
    case Shape::kList: {
      json::value& list = object[field.json_name];
      if (!list.is_array()) list = json::array{};
      return add_to_list(field, item, list.get_array());
    }
    case Shape::kMap: {
      json::value& map = object[field.json_name];
      if (!map.is_object()) map = json::object{};
      return add_map_entry(field, item.bytes, map.get_object());
    }
  }
  return {};
}

}  // namespace

Result<std::uint64_t> ProtobufReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) return invalid("unexpected end of protobuf");
    auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return invalid("protobuf integer overflow");
}

Result<std::string_view> ProtobufReader::take(std::uint64_t size) {
  if (size > rest_.size()) return invalid("unexpected end of protobuf");
  std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

Result<std::optional<Item>> ProtobufReader::next() {
  if (rest_.empty()) return std::optional<Item>();
  TRY(std::uint64_t tag, varint());
  Item item{.number = static_cast<std::uint32_t>(tag >> 3),
            .wire_type = static_cast<std::uint32_t>(tag & 7),
            .value = 0,
            .bytes = {}};
  switch (item.wire_type) {
    case kVarint: {
      TRY(item.value, varint());
      break;
    }
    case kBytes: {
      TRY(std::uint64_t size, varint());
      TRY(item.bytes, take(size));
      break;
    }
    case kFixed64:
    case kFixed32: {
      TRY(std::string_view raw, take(item.wire_type == kFixed64 ? 8 : 4));
      for (std::size_t i = raw.size(); i > 0; --i) {
        item.value = item.value << 8 | static_cast<std::uint8_t>(raw[i - 1]);
      }
      break;
    }
    default:
      return invalid("unknown protobuf wire type " + std::to_string(item.wire_type));
  }
  return std::optional<Item>(item);
}

void ProtobufWriter::varint(std::uint64_t value) {
  while (value >= 0x80) {
    bytes_.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  bytes_.push_back(static_cast<char>(value));
}

void ProtobufWriter::integer(std::uint32_t number, std::uint64_t value) {
  varint(std::uint64_t{number} << 3 | kVarint);
  varint(value);
}

void ProtobufWriter::text(std::uint32_t number, std::string_view value) {
  varint(std::uint64_t{number} << 3 | kBytes);
  varint(value.size());
  bytes_.append(value);
}

Result<ProtobufBody> open_protobuf(std::string_view body) {
  using namespace std::string_view_literals;
  constexpr std::string_view kMagic = "k8s\0"sv;
  if (!body.starts_with(kMagic))
    return invalid("provided data does not appear to be a protobuf message");
  ProtobufBody result;
  ProtobufReader reader(body.substr(kMagic.size()));
  while (true) {
    TRY(auto item, reader.next());
    if (!item) return result;
    if (item->number == 1) {
      TRY(Small type, read_small(item->bytes));
      result.api_version = type.texts[1];
      result.kind = type.texts[2];
    }
    if (item->number == 2) result.raw = item->bytes;
  }
}

Result<json::object> decode_protobuf(const Message& message, std::string_view bytes) {
  json::object object;
  ProtobufReader reader(bytes);
  while (true) {
    TRY(auto item, reader.next());
    if (!item) return object;
    for (const Field& field : fields_of(message)) {
      if (field.number != item->number) continue;
      if (auto added = add(field, *item, object); !added) {
        return prefix(field.json_name, std::move(added).error());
      }
    }
  }
}

}  // namespace fairlead::api
