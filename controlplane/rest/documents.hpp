// OpenAPI documents: made when first asked for, then kept with their hash.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace fairlead::rest {

class Documents {
 public:
  /// Of /openapi/… paths; nullopt: no such document.
  std::optional<http::Response> answer(const http::Request& request, std::string_view path);

 private:
  struct Document {
    std::string body, content_type, etag;
  };
  const Document* find(std::string_view path);

  std::map<std::string, Document, std::less<>> documents_;
};

}  // namespace fairlead::rest
