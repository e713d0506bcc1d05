// URL text -> Boost.URL -> ServerAddress.
#include "controlplane-client/server_address.hpp"

#include <boost/url.hpp>

namespace fairlead::client {
namespace {

namespace urls = boost::urls;

Result<> check_parts(const urls::url_view& url) {
  if (url.scheme_id() != urls::scheme::https && url.scheme_id() != urls::scheme::http) {
    return invalid("the scheme must be https or http");
  }
  if (url.encoded_host().empty()) return invalid("no host");
  if (url.has_userinfo()) return invalid("a user in the URL is not supported");
  if (url.has_query() || url.has_fragment())
    return invalid("a query or fragment has no meaning here");
  if (url.has_port() && url.port_number() == 0)
    return invalid("the port must be between 1 and 65535");
  return {};
}

}  // namespace

Result<ServerAddress> parse_server(std::string_view text) {
  std::string whole(text);
  if (whole.find("://") == std::string::npos) whole.insert(0, "https://");
  const auto parsed = urls::parse_uri(whole);
  if (!parsed) return invalid('"' + std::string(text.substr(0, 256)) + "\" is not a URL");
  TRY_VOID(check_parts(*parsed));

  ServerAddress address;
  address.tls = parsed->scheme_id() == urls::scheme::https;
  address.host = parsed->host_type() == urls::host_type::ipv6
                     ? parsed->host_ipv6_address().to_string()
                     : std::string(parsed->host());
  address.port = parsed->has_port() && !parsed->port().empty() ? std::string(parsed->port())
                 : address.tls                                 ? "443"
                                                               : "80";
  address.path = std::string(parsed->encoded_path());
  while (!address.path.empty() && address.path.back() == '/') address.path.pop_back();
  address.authority = std::string(parsed->encoded_host_and_port());
  return address;
}

Result<> check_plain_http(const ClientConfig& config) {
  TRY(const auto address, parse_server(config.server));
  const bool credentials = !config.token.empty() || !config.token_file.empty() ||
                           !config.username.empty() || !config.client_certificate.empty() ||
                           config.exec.has_value();
  if (!address.tls && credentials) {
    return invalid(config.origin + ": " + config.server + ": credentials are sent over https only");
  }
  return {};
}

}  // namespace fairlead::client
