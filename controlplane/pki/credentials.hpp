// The files in the data directory that let clients in. Made at the first start, read ever after.
//
//   ca.crt ca.key            the authority
//   server.crt server.key    made again, by the same authority, when the server gets an address
//   that they do not name admin.crt admin.key      user fairlead-admin, group system:masters
//   admin.token node.token   bearer tokens of the administrator and of the nodes' agents
#pragma once

#include <string>

#include "controlplane/pki/certificates.hpp"
#include "model/result.hpp"

namespace fairlead::pki {

struct Credentials {
  std::string ca_certificate;
  KeyPair server;
  KeyPair admin;
  std::string admin_token;
  std::string node_token;
};

/// Errors name the file. All files are 0600 and on disk when this returns.
Result<Credentials> load_or_make_credentials(const std::string& directory,
                                             const ServerNames& names);

/// How a kubeconfig authenticates: a certificate if there is one, else the token.
struct KubeconfigUser {
  std::string name;
  KeyPair certificate = {};
  std::string token = {};
};

/// `url`: "https://10.0.0.1:6443".
std::string make_kubeconfig(const std::string& url, const std::string& ca_certificate,
                            const KubeconfigUser& user);

/// Replaces the file as a whole, 0600; it is on disk when this returns.
Result<> write_private_file(const std::string& path, const std::string& content);
/// Does nothing where the file has this content already.
Result<> update_private_file(const std::string& path, const std::string& content);

}  // namespace fairlead::pki
