// RFC 1952, at the fastest level: for large answers to clients that accept it.
#pragma once

#include <string>
#include <string_view>

namespace fairlead::http {

std::string gzip(std::string_view bytes);

/// True if an Accept-Encoding header allows gzip.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace fairlead::http
