// A certificate authority for one test run.
#pragma once

#include <string>

namespace fairlead::client::test {

struct KeyPair {
  std::string certificate, key;  // PEM
};

/// Signs itself, good for an hour.
KeyPair make_authority();
/// For `names` in OpenSSL's form: "DNS:api.test,IP:127.0.0.1".
KeyPair make_certificate(const KeyPair& authority, const std::string& names);

}  // namespace fairlead::client::test
