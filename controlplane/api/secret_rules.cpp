// Secrets: stringData becomes data, and each type of Secret has keys that it must have. No message
// has a value in it.
#include <algorithm>
#include <array>
#include <optional>

#include "controlplane/api/base64.hpp"
#include "controlplane/api/json_view.hpp"
#include "controlplane/api/metadata.hpp"
#include "controlplane/api/names.hpp"
#include "controlplane/api/rules.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

std::string data_key(std::string_view key) { return "data[" + std::string(key) + ']'; }

/// Of base64.
std::size_t decoded_size(std::string_view text) {
  const std::size_t data = text.find_last_not_of('=') + 1;
  return data / 4 * 3 + data % 4 * 3 / 4;
}

void check_present(const json::object& data, std::string_view key, FieldErrors& errors) {
  if (!data.contains(key)) errors.push_back(required(data_key(key)));
}

void check_docker_config(const json::object& data, std::string_view key, FieldErrors& errors) {
  const json::value* value = data.if_contains(key);
  if (value == nullptr) return errors.push_back(required(data_key(key)));
  boost::system::error_code error;
  const auto bytes = from_base64(text_of(*value));
  const json::value content = bytes ? json::parse(*bytes, error) : json::value();
  if (error || !content.is_object()) {
    errors.push_back(
        invalid_value(data_key(key), "<secret contents redacted>", "must be a JSON object"));
  }
}

void check_type(const json::object& secret, FieldErrors& errors) {
  const std::string_view type = text_at(secret, {"type"});
  const json::object& data = object_at(secret, {"data"});
  if (type == "kubernetes.io/service-account-token") {
    constexpr std::string_view kAccount = "kubernetes.io/service-account.name";
    if (text_at(secret, {"metadata", "annotations", kAccount}).empty())
      errors.push_back(required("metadata.annotations[" + std::string(kAccount) + ']'));
  } else if (type == "kubernetes.io/dockercfg") {
    check_docker_config(data, ".dockercfg", errors);
  } else if (type == "kubernetes.io/dockerconfigjson") {
    check_docker_config(data, ".dockerconfigjson", errors);
  } else if (type == "kubernetes.io/basic-auth") {
    if (data.contains("username") || data.contains("password")) return;
    check_present(data, "username", errors);
    check_present(data, "password", errors);
  } else if (type == "kubernetes.io/ssh-auth") {
    constexpr std::string_view kKey = "ssh-privatekey";
    if (text_at(data, {kKey}).empty()) errors.push_back(required(data_key(kKey)));
  } else if (type == "kubernetes.io/tls") {
    check_present(data, "tls.crt", errors);
    check_present(data, "tls.key", errors);
  }
}

}  // namespace

void default_secret(json::object& secret) {
  if (text_at(secret, {"type"}).empty()) secret["type"] = "Opaque";
  const json::object texts = object_at(secret, {"stringData"});
  secret.erase("stringData");  // is written, and never read
  if (texts.empty()) return;
  json::object& data = ensure_object(secret, "data");
  for (const auto& [key, text] : texts) data[key] = to_base64(text_of(text));
}

void validate_secret(const json::object& secret, FieldErrors& errors) {
  constexpr std::size_t kMostBytes = 1 << 20;
  std::size_t bytes = 0;
  for (const auto& [key, value] : object_at(secret, {"data"})) {
    add_invalid(errors, data_key(key), json::value(key), check_config_key(key));
    bytes += decoded_size(text_of(value));
  }
  if (bytes > kMostBytes) errors.push_back(too_long("data", kMostBytes));
  check_type(secret, errors);
}

void validate_secret_update(const json::object& old, const json::object& secret,
                            FieldErrors& errors) {
  constexpr std::string_view kWhenSet = "field is immutable when `immutable` is set";
  validate_immutable(old, secret, {"type"}, errors);
  if (!true_at(old, {"immutable"})) return;
  if (!true_at(secret, {"immutable"})) errors.push_back(forbidden_value("immutable", kWhenSet));
  if (object_at(old, {"data"}) != object_at(secret, {"data"}))
    errors.push_back(forbidden_value("data", kWhenSet));
}

}  // namespace fairlead::api
