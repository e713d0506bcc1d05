// How to reach an API server and who to be there: from a kubeconfig file, or from what a pod is
// given (in-cluster).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/result.hpp"

namespace fairlead::client {

/// PEM text, given in place or as a file. A file is read again for each new connection, so that it
/// may be replaced.
struct Pem {
  std::string file;
  std::string text;  // wins over `file`
  [[nodiscard]] bool empty() const { return file.empty() && text.empty(); }
};

/// A kubeconfig's exec credential plugin: run without a shell, its answer gives a token or a client
/// certificate.
struct ExecPlugin {
  std::string api_version;  // client.authentication.k8s.io/v1 or v1beta1
  std::string command;      // a path, or a name looked up in PATH
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  // added to our own
};

struct ClientConfig {
  std::string origin;  // for messages: "kubeconfig /etc/fairlead/kubeconfig, context lab"
  std::string server;  // "https://10.0.0.1:6443" or with a path in front of /api; http only without
                       // credentials
  std::string tls_server_name;  // the name to verify and to send (SNI) instead of the server's
  bool insecure_skip_tls_verify = false;
  Pem ca;  // empty: the system's certificate store
  Pem client_certificate;
  Pem client_key;
  std::string token;
  std::string
      token_file;  // wins over `token`; read again each minute and when the server answers 401
  std::string username;
  std::string password;
  std::optional<ExecPlugin> exec;
  std::string default_namespace;
};

/// Looks an environment variable up; nullopt: not set. A parameter, so that tests have an
/// environment of their own.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

/// Reads kubeconfig files; earlier files win for each named entry, as kubectl merges them.
/// `context` empty: current-context. Errors name file and field: "kubeconfig /root/.kube/config:
/// contexts[0].context.cluster: no cluster is named \"x\"".
Result<ClientConfig> load_kubeconfig(const std::vector<std::string>& files,
                                     const std::string& context = "");

/// The files that kubectl would read: $KUBECONFIG's list, else $HOME/.kube/config.
std::vector<std::string> kubeconfig_files(const Environment& environment);

/// What Kubernetes gives to a pod: KUBERNETES_SERVICE_HOST and _PORT, and the service account's
/// token and ca.crt.
Result<ClientConfig> in_cluster_config(
    const Environment& environment,
    const std::string& service_account = "/var/run/secrets/kubernetes.io/serviceaccount");

/// `kubeconfig` if it is not empty; else in-cluster where KUBERNETES_SERVICE_HOST is set; else
/// kubeconfig_files().
Result<ClientConfig> find_config(const std::string& kubeconfig, const Environment& environment);

}  // namespace fairlead::client
