// token file | plugin | token | user and password -> the Authorization header.
#include "controlplane-client/credentials.hpp"

#include <algorithm>

#include "controlplane-client/files.hpp"

namespace fairlead::client {
namespace {

// A plugin may ask a cloud or wait for a person's key.
constexpr std::chrono::seconds kPluginLimit{60};
// A token that is about to expire could do so on its way.
constexpr std::chrono::seconds kExpiryLeeway{10};

Result<std::string> bearer(std::string token) {
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
    token.pop_back();
  if (token.empty()) return invalid("the token is empty");
  const bool printable =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!printable) return invalid("the token has characters that no header may have");
  return "Bearer " + token;
}

}  // namespace

Credentials::Credentials(ClientConfig config, const Timing& timing)
    : config_(std::move(config)), reread_(timing.token_reread) {}

boost::asio::awaitable<Result<std::string>> Credentials::authorization() {
  if (config_.exec) co_return co_await token_from_plugin();
  if (!config_.token_file.empty()) co_return token_from_file();
  if (!config_.token.empty()) co_return bearer(config_.token);
  if (!config_.username.empty()) {
    co_return "Basic " + encode_base64(config_.username + ':' + config_.password);
  }
  co_return std::string();
}

const Pem& Credentials::certificate() const {
  return from_plugin_ && !from_plugin_->certificate.empty() ? from_plugin_->certificate
                                                            : config_.client_certificate;
}

const Pem& Credentials::key() const {
  return from_plugin_ && !from_plugin_->key.empty() ? from_plugin_->key : config_.client_key;
}

void Credentials::refused() {
  read_at_.reset();
  from_plugin_.reset();
}

Result<std::string> Credentials::token_from_file() {
  const auto now = std::chrono::steady_clock::now();
  if (read_at_ && now - *read_at_ < reread_) return token_;
  auto text = read_file(config_.token_file);
  auto token = text ? bearer(*std::move(text))
                    : Result<std::string>(tl::unexpected(std::move(text).error()));
  if (token) {
    token_ = *std::move(token);
  } else if (token_.empty()) {
    return prefix("tokenFile " + config_.token_file, std::move(token).error());
  }
  // A file that is gone for a moment while it is replaced leaves the old token in use.
  read_at_ = now;
  return token_;
}

boost::asio::awaitable<Result<std::string>> Credentials::token_from_plugin() {
  const auto now = std::chrono::system_clock::now();
  const bool expired =
      from_plugin_ && from_plugin_->expires && *from_plugin_->expires - kExpiryLeeway < now;
  if (!from_plugin_ || expired) {
    auto credential = co_await run_exec_plugin(*config_.exec, kPluginLimit);
    if (!credential)
      co_return prefix("exec plugin " + config_.exec->command, std::move(credential).error());
    from_plugin_ = *std::move(credential);
  }
  if (from_plugin_->token.empty()) co_return std::string();
  co_return bearer(from_plugin_->token);
}

}  // namespace fairlead::client
