// X.509 for a control plane of its own: one authority, which signs the server's certificate and
// those of its clients.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead::pki {

/// PEM texts.
struct KeyPair {
  std::string certificate;
  std::string key;
};

struct ServerNames {
  std::vector<std::string> dns;
  std::vector<Ip> addresses;
};

/// ECDSA P-256, valid for ten years, and an hour back for clocks that differ.
Result<KeyPair> make_authority(const std::string& name);
Result<KeyPair> issue_server(const KeyPair& authority, const ServerNames& names);
/// The common name is the user, the organization its group.
Result<KeyPair> issue_client(const KeyPair& authority, const std::string& user,
                             const std::string& group);

/// Whether a certificate is valid for all of the names.
bool covers(const std::string& certificate, const ServerNames& names);

/// 256 random bits as hexadecimal text.
std::string make_token();

}  // namespace fairlead::pki
