// The environment -> which configuration -> ClientConfig. Files of kubeconfig form are read by
// kubeconfig.cpp.
#include "controlplane-client/config.hpp"

#include <cstdlib>

#include "controlplane-client/files.hpp"
#include "controlplane-client/server_address.hpp"

namespace fairlead::client {

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

std::vector<std::string> kubeconfig_files(const Environment& environment) {
  std::vector<std::string> files;
  const std::string list = environment("KUBECONFIG").value_or("");
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = std::min(list.find(':', begin), list.size());
    if (end > begin) files.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  if (files.empty()) files.push_back(environment("HOME").value_or("/root") + "/.kube/config");
  return files;
}

Result<ClientConfig> in_cluster_config(const Environment& environment,
                                       const std::string& service_account) {
  const auto host = environment("KUBERNETES_SERVICE_HOST");
  const auto port = environment("KUBERNETES_SERVICE_PORT");
  if (!host || host->empty())
    return invalid("in-cluster configuration: KUBERNETES_SERVICE_HOST: not set");
  if (!port || port->empty())
    return invalid("in-cluster configuration: KUBERNETES_SERVICE_PORT: not set");

  ClientConfig config;
  config.origin = "in-cluster configuration";
  const bool ipv6 = host->find(':') != std::string::npos;
  config.server = "https://" + (ipv6 ? '[' + *host + ']' : *host) + ':' + *port;
  auto address = parse_server(config.server);
  if (!address)
    return prefix("in-cluster configuration: KUBERNETES_SERVICE_HOST and _PORT", address.error());
  config.token_file = service_account + "/token";
  config.ca.file = service_account + "/ca.crt";
  for (const std::string& file : {config.token_file, config.ca.file}) {
    auto text = read_file(file);
    if (!text) return prefix("in-cluster configuration", std::move(text).error());
  }
  config.default_namespace = read_file(service_account + "/namespace").value_or("default");
  return config;
}

Result<ClientConfig> find_config(const std::string& kubeconfig, const Environment& environment) {
  if (!kubeconfig.empty()) return load_kubeconfig({kubeconfig});
  if (environment("KUBERNETES_SERVICE_HOST")) return in_cluster_config(environment);
  return load_kubeconfig(kubeconfig_files(environment));
}

}  // namespace fairlead::client
