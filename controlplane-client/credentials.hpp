// Who we are to the API server, kept fresh: tokens are renewed by whoever issued them, while we
// run.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "controlplane-client/config.hpp"
#include "controlplane-client/timing.hpp"
#include "model/result.hpp"

namespace fairlead::client {

/// What an exec plugin answered.
struct ExecCredential {
  std::string token;
  Pem certificate, key;
  std::optional<std::chrono::system_clock::time_point> expires;
};

/// Runs the plugin, without a shell, for at most `limit`; its standard error goes to ours.
boost::asio::awaitable<Result<ExecCredential>> run_exec_plugin(ExecPlugin plugin,
                                                               Timing::Duration limit);

/// `text`: the plugin's standard output, an ExecCredential object of the plugin's apiVersion.
Result<ExecCredential> parse_exec_credential(const ExecPlugin& plugin, const std::string& text);

class Credentials {
 public:
  Credentials(ClientConfig config, const Timing& timing);

  /// The Authorization header's value, "" for none. A token file that cannot be read is an error
  /// only where it never could.
  boost::asio::awaitable<Result<std::string>> authorization();
  /// The client's certificate and key; of the plugin if it gave one. After authorization().
  [[nodiscard]] const Pem& certificate() const;
  [[nodiscard]] const Pem& key() const;
  /// The server answered 401: what is held is not asked for again.
  void refused();

 private:
  Result<std::string> token_from_file();
  boost::asio::awaitable<Result<std::string>> token_from_plugin();

  ClientConfig config_;
  Timing::Duration reread_;
  std::string token_;  // the last one read from the file
  std::optional<std::chrono::steady_clock::time_point> read_at_;
  std::optional<ExecCredential> from_plugin_;
};

}  // namespace fairlead::client
