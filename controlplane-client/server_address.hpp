// The server's URL, taken apart.
#pragma once

#include <string>
#include <string_view>

#include "controlplane-client/config.hpp"
#include "model/result.hpp"

namespace fairlead::client {

struct ServerAddress {
  bool tls = true;
  std::string host;  // a name or an address, an IPv6 address without brackets
  std::string port;
  std::string path;       // in front of /api; "" or begins with '/' and does not end with one
  std::string authority;  // host[:port] as the Host header has it
};

/// "https://host[:port][/path]", or http. "host:port" alone is https, as kubectl takes it.
Result<ServerAddress> parse_server(std::string_view url);

/// Credentials are never sent without TLS, as kubectl does not either: an error if `config` would.
Result<> check_plain_http(const ClientConfig& config);

}  // namespace fairlead::client
