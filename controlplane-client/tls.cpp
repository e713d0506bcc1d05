// ca, client-certificate, client-key -> ssl::context.
#include "controlplane-client/tls.hpp"

#include "controlplane-client/files.hpp"

#include <openssl/ssl.h>

#include <array>
#include <boost/asio/buffer.hpp>

namespace fairlead::client {
namespace {

namespace ssl = boost::asio::ssl;
using BeastError = boost::system::error_code;

// "client-key /etc/k.pem" or "client-key-data"
std::string field_name(const std::string& field, const Pem& pem) {
  return pem.text.empty() ? field + ' ' + pem.file : field + "-data";
}

template <class Use>
Result<> use_pem(const std::string& field, const Pem& pem, Use use) {
  auto text = read_pem(pem);
  if (!text) return prefix(field, std::move(text).error());
  BeastError error;
  use(boost::asio::buffer(*text), error);
  if (error) return failure(error, field_name(field, pem));
  return {};
}

Result<> use_certificates(ssl::context& context, const ClientConfig& config, const Pem& certificate,
                          const Pem& key) {
  if (!config.ca.empty()) {
    TRY_VOID(use_pem("certificate-authority", config.ca, [&](const auto& pem, BeastError& error) {
      context.add_certificate_authority(pem, error);
    }));
  } else {
    BeastError error;
    context.set_default_verify_paths(error);
    if (error) return failure(error, "the system's certificate store");
  }
  if (certificate.empty()) return {};
  TRY_VOID(use_pem("client-certificate", certificate, [&](const auto& pem, BeastError& error) {
    context.use_certificate_chain(pem, error);
  }));
  return use_pem("client-key", key, [&](const auto& pem, BeastError& error) {
    context.use_private_key(pem, ssl::context::pem, error);
  });
}

}  // namespace

Result<TlsOptions> tls_options(const ClientConfig& config, const ServerAddress& server,
                               const Pem& certificate, const Pem& key) {
  TlsOptions options;
  if (!server.tls) return options;
  options.context = std::make_shared<ssl::context>(ssl::context::tls_client);
  options.server_name = config.tls_server_name.empty() ? server.host : config.tls_server_name;
  options.verify = !config.insecure_skip_tls_verify;

  SSL_CTX* native = options.context->native_handle();
  constexpr std::array<unsigned char, 9> kAlpn{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  if (SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_alpn_protos(native, kAlpn.data(), kAlpn.size()) != 0) {
    return invalid("OpenSSL refuses TLS 1.2 or ALPN");
  }
  TRY_VOID(use_certificates(*options.context, config, certificate, key));
  return options;
}

}  // namespace fairlead::client
