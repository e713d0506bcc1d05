// The token names the last key of the page without the collection's prefix, so that it says nothing
// of how keys are made.
#include <openssl/evp.h>

#include <boost/json.hpp>

#include "controlplane/rest/options.hpp"

namespace fairlead::rest {
namespace {

namespace json = boost::json;

/// Unpadded, with the alphabet for URLs (RFC 4648, section 5).
std::string base64url(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return text;
}

/// "" where it is not base64.
std::string from_base64url(std::string_view encoded) {
  std::string text(encoded);
  for (char& c : text) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  std::size_t padding = 0;
  for (; text.size() % 4 != 0; ++padding) text += '=';
  std::string bytes(3 * text.size() / 4, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  if (length < 0 || padding > 2) return {};
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

}  // namespace

std::string encode_continue(const ContinueToken& token, std::string_view prefix) {
  std::string start = token.after.substr(prefix.size());
  start += '\0';
  return base64url(json::serialize(json::object{{"v", "meta.k8s.io/v1"},
                                                {"rv", static_cast<std::int64_t>(token.revision)},
                                                {"start", start}}));
}

api::ApiResult<ContinueToken> decode_continue(std::string_view text, std::string_view prefix) {
  const auto refuse = [](std::string_view why) {
    return tl::unexpected(api::bad_request("continue key is not valid: " + std::string(why)));
  };
  json::error_code error;
  const json::value parsed = json::parse(from_base64url(text), error);
  if (error || !parsed.is_object()) return refuse("not a token of this server");
  const json::object& fields = parsed.get_object();
  const json::value* version = fields.if_contains("v");
  const json::value* revision = fields.if_contains("rv");
  const json::value* start = fields.if_contains("start");
  if (version == nullptr || *version != "meta.k8s.io/v1" || revision == nullptr ||
      start == nullptr || !start->is_string()) {
    return refuse("server does not recognize this encoded version");
  }
  const auto number = json::try_value_to<std::int64_t>(*revision);
  std::string after(start->get_string());
  if (!number || *number == 0 || !after.ends_with('\0')) return refuse("incorrect encoded value");
  after.pop_back();
  // -1: the expired token's replacement, which goes on from the newest state.
  return ContinueToken{*number < 0 ? Revision{0} : static_cast<Revision>(*number),
                       std::string(prefix) + after};
}

}  // namespace fairlead::rest
