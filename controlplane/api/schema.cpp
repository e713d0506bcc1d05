// schema/*.schema -> compile.py -> schema_data.cpp (tables, in the build tree) -> these look-ups.
#include "controlplane/api/schema.hpp"

#include <algorithm>

namespace fairlead::api {

const Message* find_message(std::string_view schema_name) {
  auto all = messages();
  auto found = std::ranges::find(all, schema_name, &Message::schema_name);
  return found == all.end() ? nullptr : &*found;
}

const Field* find_field(const Message& message, std::string_view json_name) {
  for (const Field& field : fields_of(message)) {
    if (field.has(kInline)) {
      if (const Field* inner = find_field(message_of(field), json_name)) return inner;
    } else if (field.json_name == json_name) {
      return &field;
    }
  }
  return nullptr;
}

const Message& message_of(const Field& field) {
  return messages()[static_cast<std::size_t>(field.message)];
}

std::string go_type(const Field& field) {
  switch (field.shape) {
    case Shape::kOne:
      return std::string(field.go_type);
    case Shape::kList:
      return "[]" + std::string(field.go_type);
    case Shape::kMap:
      return "map[string]" + std::string(field.go_type);
  }
  return {};
}

}  // namespace fairlead::api
