// A key, a subject, extensions, a signature by the authority's key (or its own): the three kinds of
// certificate differ in the extensions only.
#include "controlplane/pki/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

namespace fairlead::pki {
namespace {

template <auto function>
struct Free {
  template <class T>
  void operator()(T* handle) const {
    function(handle);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using Extensions = std::vector<std::pair<int, std::string>>;  // NID, value as openssl.cnf has it

constexpr long kHour = 3600;
constexpr long kTenYears = 3650L * 24 * kHour;
constexpr int kVersion3 = 2;

/// OpenSSL's newest complaint.
tl::unexpected<Error> openssl_error(std::string_view doing) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return tl::unexpected(
      Error{std::make_error_code(std::errc::io_error), std::string(doing) + ": " + text.data()});
}

Bio memory(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}
std::string text_of(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<Certificate> parse_certificate(const std::string& pem) {
  const Bio bio = memory(pem);
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate) return openssl_error("read certificate");
  return certificate;
}
Result<Key> parse_key(const std::string& pem) {
  const Bio bio = memory(pem);
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key) return openssl_error("read key");
  return key;
}

struct Subject {
  std::string common_name;
  std::string organization;  // may be empty
};

bool set_subject(X509* certificate, const Subject& subject) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add = [name](int kind, const std::string& text) {
    return text.empty() ||
           X509_NAME_add_entry_by_NID(name, kind, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()), -1, 0) == 1;
  };
  return add(NID_organizationName, subject.organization) &&
         add(NID_commonName, subject.common_name);
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] &= 0x7f;  // positive
  std::unique_ptr<BIGNUM, Free<BN_free>> number(
      BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool add_extensions(X509* certificate, X509* issuer, const Extensions& extensions) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  return std::ranges::all_of(extensions, [&](const auto& entry) {
    const Extension made(X509V3_EXT_conf_nid(nullptr, &context, entry.first, entry.second.c_str()));
    return made && X509_add_ext(certificate, made.get(), -1) == 1;
  });
}

Result<KeyPair> to_pem(X509* certificate, EVP_PKEY* key) {
  const Bio certificate_text(BIO_new(BIO_s_mem()));
  const Bio key_text(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(certificate_text.get(), certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return openssl_error("write certificate");
  }
  return KeyPair{text_of(certificate_text), text_of(key_text)};
}

/// `authority` null: signed by itself.
Result<KeyPair> issue(const KeyPair* authority, const Subject& subject,
                      const Extensions& extensions) {
  const std::string doing = "make certificate of " + subject.common_name;
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  if (!key || !certificate) return openssl_error(doing);
  Certificate issuer;
  Key issuer_key;
  if (authority != nullptr) {
    TRY(issuer, parse_certificate(authority->certificate));
    TRY(issuer_key, parse_key(authority->key));
  }
  X509* signer = issuer ? issuer.get() : certificate.get();
  const bool made =
      X509_set_version(certificate.get(), kVersion3) == 1 && set_serial(certificate.get()) &&
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kHour) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kTenYears) != nullptr &&
      set_subject(certificate.get(), subject) &&
      X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) == 1 &&
      X509_set_pubkey(certificate.get(), key.get()) == 1 &&
      add_extensions(certificate.get(), signer, extensions) &&
      X509_sign(certificate.get(), issuer_key ? issuer_key.get() : key.get(), EVP_sha256()) > 0;
  if (!made) return openssl_error(doing);
  return to_pem(certificate.get(), key.get());
}

}  // namespace

Result<KeyPair> make_authority(const std::string& name) {
  return issue(nullptr, {name, ""},
               {{NID_basic_constraints, "critical,CA:TRUE"},
                {NID_key_usage, "critical,keyCertSign,cRLSign"},
                {NID_subject_key_identifier, "hash"}});
}

Result<KeyPair> issue_server(const KeyPair& authority, const ServerNames& names) {
  std::string alternatives;
  for (const std::string& name : names.dns) alternatives += ",DNS:" + name;
  for (const Ip& address : names.addresses) alternatives += ",IP:" + to_string(address);
  return issue(&authority, {"fairlead-controlplane", ""},
               {{NID_basic_constraints, "critical,CA:FALSE"},
                {NID_key_usage, "critical,digitalSignature"},
                {NID_ext_key_usage, "serverAuth"},
                {NID_authority_key_identifier, "keyid"},
                {NID_subject_alt_name, alternatives.substr(1)}});
}

Result<KeyPair> issue_client(const KeyPair& authority, const std::string& user,
                             const std::string& group) {
  return issue(&authority, {user, group},
               {{NID_basic_constraints, "critical,CA:FALSE"},
                {NID_key_usage, "critical,digitalSignature"},
                {NID_ext_key_usage, "clientAuth"},
                {NID_authority_key_identifier, "keyid"}});
}

bool covers(const std::string& pem, const ServerNames& names) {
  const auto certificate = parse_certificate(pem);
  if (!certificate) return false;
  return std::ranges::all_of(names.dns,
                             [&](const std::string& name) {
                               return X509_check_host(certificate->get(), name.data(), name.size(),
                                                      0, nullptr) == 1;
                             }) &&
         std::ranges::all_of(names.addresses, [&](const Ip& address) {
           return X509_check_ip_asc(certificate->get(), to_string(address).c_str(), 0) == 1;
         });
}

std::string make_token() {
  std::array<unsigned char, 32> bytes{};
  // Without random numbers there is no security to be had: OpenSSL fails here only where the system
  // has none.
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

}  // namespace fairlead::pki
