// Each pair or token: there -> read; not there -> made and written; half there -> an error, since
// replacing an authority silently would lock out everybody who trusts it.
#include "controlplane/pki/credentials.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>

namespace fairlead::pki {
namespace {

/// nullopt: there is no such file.
Result<std::optional<std::string>> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int error = errno;
    if (error == ENOENT) return std::nullopt;
    return system_error(error, "read " + path);
  }
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

/// Nothing is lost when the machine stops after this.
Result<> sync(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return system_error(errno, "open " + path);
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (failed != 0) return system_error(failed, "sync " + path);
  return {};
}

using MakePair = std::function<Result<KeyPair>()>;

Result<> write_pair(const std::string& path, const KeyPair& pair) {
  TRY_VOID(write_private_file(path + ".key", pair.key));
  return write_private_file(path + ".crt", pair.certificate);
}

/// `path` without its ending.
Result<KeyPair> load_or_make_pair(const std::string& path, const MakePair& make) {
  TRY(auto certificate, read_file(path + ".crt"));
  TRY(auto key, read_file(path + ".key"));
  if (certificate && key) return KeyPair{*std::move(certificate), *std::move(key)};
  // The certificate is written last: a key alone is what a first start that was cut off leaves.
  if (certificate) {
    return invalid(path + ".crt exists without " + path + ".key: restore it, or remove both");
  }
  TRY(KeyPair pair, make());
  TRY_VOID(write_pair(path, pair));
  return pair;
}

Result<std::string> load_or_make_token(const std::string& path) {
  TRY(auto token, read_file(path));
  if (token) {
    while (token->ends_with('\n')) token->pop_back();
    if (token->size() < 32) return invalid(path + ": a token of at least 32 characters is needed");
    return *std::move(token);
  }
  std::string made = make_token();
  TRY_VOID(write_private_file(path, made + "\n"));
  return made;
}

std::string base64(const std::string& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace

Result<> write_private_file(const std::string& path, const std::string& content) {
  const std::string temporary = path + ".new";
  const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
  const int fd = ::open(temporary.c_str(), flags, S_IRUSR | S_IWUSR);
  if (fd < 0) return system_error(errno, "create " + temporary);
  const ssize_t written = ::write(fd, content.data(), content.size());
  const bool complete = written == static_cast<ssize_t>(content.size());
  const int failed = complete ? (::fsync(fd) == 0 ? 0 : errno) : (written < 0 ? errno : ENOSPC);
  ::close(fd);
  if (failed != 0) return system_error(failed, "write " + temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_error(errno, "write " + path);
  return sync(std::filesystem::path(path).parent_path().string(), O_RDONLY | O_DIRECTORY);
}

Result<> update_private_file(const std::string& path, const std::string& content) {
  TRY(const auto old, read_file(path));
  if (old == content) return {};
  return write_private_file(path, content);
}

Result<Credentials> load_or_make_credentials(const std::string& directory,
                                             const ServerNames& names) {
  const auto path = [&directory](const char* name) { return directory + "/" + name; };
  Credentials credentials;
  TRY(const KeyPair authority,
      load_or_make_pair(path("ca"), [] { return make_authority("fairlead-ca"); }));
  credentials.ca_certificate = authority.certificate;
  TRY(credentials.server,
      load_or_make_pair(path("server"), [&] { return issue_server(authority, names); }));
  if (!covers(credentials.server.certificate, names)) {
    TRY(credentials.server, issue_server(authority, names));
    TRY_VOID(write_pair(path("server"), credentials.server));
  }
  TRY(credentials.admin, load_or_make_pair(path("admin"), [&] {
        return issue_client(authority, "fairlead-admin", "system:masters");
      }));
  TRY(credentials.admin_token, load_or_make_token(path("admin.token")));
  TRY(credentials.node_token, load_or_make_token(path("node.token")));
  return credentials;
}

std::string make_kubeconfig(const std::string& url, const std::string& ca_certificate,
                            const KubeconfigUser& user) {
  std::string text =
      "apiVersion: v1\n"
      "kind: Config\n"
      "clusters:\n"
      "- name: fairlead\n"
      "  cluster:\n"
      "    server: " +
      url +
      "\n"
      "    certificate-authority-data: " +
      base64(ca_certificate) +
      "\n"
      "contexts:\n"
      "- name: fairlead\n"
      "  context:\n"
      "    cluster: fairlead\n"
      "    user: " +
      user.name +
      "\n"
      "current-context: fairlead\n"
      "users:\n"
      "- name: " +
      user.name +
      "\n"
      "  user:\n";
  if (!user.certificate.key.empty()) {
    text += "    client-certificate-data: " + base64(user.certificate.certificate) + "\n";
    text += "    client-key-data: " + base64(user.certificate.key) + "\n";
  } else {
    text += "    token: " + user.token + "\n";
  }
  return text;
}

}  // namespace fairlead::pki
