// A configuration's certificates -> an OpenSSL context. Files are read each time, so that they may
// be replaced.
#pragma once

#include "controlplane-client/config.hpp"
#include "controlplane-client/connection.hpp"
#include "controlplane-client/server_address.hpp"

namespace fairlead::client {

/// TLS 1.2 at least, ALPN http/1.1. `certificate` and `key`: the client's, or both empty. No
/// context where `server` is plain http. Errors name the field and the file.
Result<TlsOptions> tls_options(const ClientConfig& config, const ServerAddress& server,
                               const Pem& certificate, const Pem& key);

}  // namespace fairlead::client
