// Small files with credentials: read whole, with a limit.
#pragma once

#include <string>
#include <string_view>

#include "controlplane-client/config.hpp"
#include "model/result.hpp"

namespace fairlead::client {

/// A file of at most 1 MiB. The error's code is that of the operating system; its text begins with
/// the path.
Result<std::string> read_file(const std::string& path);

/// The text itself, or the file's content.
Result<std::string> read_pem(const Pem& pem);

/// Standard base64 (RFC 4648 section 4); line breaks are passed over.
Result<std::string> decode_base64(std::string_view text);
std::string encode_base64(std::string_view bytes);

}  // namespace fairlead::client
