// kubeconfig files -> merged named entries -> the context's cluster and user -> ClientConfig.
//
// As kubectl merges: of clusters, contexts and users with one name the first file's wins, and so
// does the first current-context. A relative path is relative to the file that it stands in. What
// we would have to ignore at the risk of talking to the wrong server or as the wrong user (proxies,
// auth providers, impersonation) is refused.
#include <boost/json.hpp>
#include <deque>
#include <filesystem>
#include <map>

#include "controlplane-client/config.hpp"
#include "controlplane-client/files.hpp"
#include "controlplane-client/server_address.hpp"
#include "objects/yaml.hpp"

namespace fairlead::client {
namespace {

namespace json = boost::json;

// A JSON object and where it stands, so that every complaint can say so.
class Section {
 public:
  Section(const json::object& object, std::string where, std::string folder)
      : object_(&object), where_(std::move(where)), folder_(std::move(folder)) {}

  [[nodiscard]] const json::value* find(std::string_view field) const {
    const json::value* value = object_->if_contains(field);
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  [[nodiscard]] std::string where(std::string_view field) const {
    return where_ + std::string(field);
  }

  [[nodiscard]] Result<std::string> text(std::string_view field) const {
    const json::value* value = find(field);
    if (value == nullptr) return std::string();
    if (const json::string* text = value->if_string()) return std::string(*text);
    return invalid(where(field) + ": must be text");
  }
  [[nodiscard]] Result<bool> boolean(std::string_view field) const {
    const json::value* value = find(field);
    if (value == nullptr) return false;
    if (const bool* truth = value->if_bool()) return *truth;
    return invalid(where(field) + ": must be true or false");
  }
  [[nodiscard]] Result<std::string> path(std::string_view field) const {
    // Not TRY: g++ 12 believes at -O2 that the string it declares may be uninitialised.
    auto text = this->text(field);
    if (!text || text->empty() || text->front() == '/') return text;
    return (std::filesystem::path(folder_) / *text).string();
  }
  [[nodiscard]] Result<Section> section(std::string_view field) const {
    const json::value* value = find(field);
    static const json::object kEmpty;
    if (value == nullptr) return Section(kEmpty, where(field) + '.', folder_);
    if (!value->is_object()) return invalid(where(field) + ": must be an object");
    return Section(value->get_object(), where(field) + '.', folder_);
  }
  [[nodiscard]] Result<std::vector<Section>> sections(std::string_view field) const {
    const json::value* value = find(field);
    std::vector<Section> found;
    if (value == nullptr) return found;
    if (!value->is_array()) return invalid(where(field) + ": must be a list");
    for (std::size_t i = 0; i < value->get_array().size(); ++i) {
      const std::string at = where(field) + '[' + std::to_string(i) + ']';
      const json::object* element = value->get_array()[i].if_object();
      if (element == nullptr) return invalid(at + ": must be an object");
      found.emplace_back(*element, at + '.', folder_);
    }
    return found;
  }
  /// `field` as a file, or `field`-data as base64.
  [[nodiscard]] Result<Pem> pem(const std::string& field) const {
    TRY(auto file, path(field));
    TRY(auto encoded, text(field + "-data"));
    if (encoded.empty()) return Pem{file, ""};
    auto decoded = decode_base64(encoded);
    if (!decoded) return invalid(where(field + "-data") + ": " + decoded.error().doing);
    return Pem{"", *std::move(decoded)};
  }
  [[nodiscard]] Result<> refuse(std::string_view field, std::string_view why) const {
    const json::value* value = find(field);
    if (value == nullptr || (value->is_string() && value->get_string().empty())) return {};
    return invalid(where(field) + ": " + std::string(why));
  }

 private:
  const json::object* object_;
  std::string where_;   // "kubeconfig /root/.kube/config: clusters[0].cluster."
  std::string folder_;  // of the file
};

// All files as one. `documents` owns what the sections point into.
struct Merged {
  std::deque<json::value> documents;
  std::map<std::string, Section, std::less<>> clusters, contexts, users;
  std::string current_context;
};

Result<> merge_named(const Section& root, std::string_view list, std::string_view member,
                     std::map<std::string, Section, std::less<>>& into) {
  TRY(auto elements, root.sections(list));
  for (const Section& element : elements) {
    TRY(auto name, element.text("name"));
    if (name.empty()) return invalid(element.where("name") + ": required");
    TRY(auto content, element.section(member));
    into.try_emplace(std::move(name), std::move(content));
  }
  return {};
}

Result<> merge_document(const Section& root, Merged& merged) {
  TRY(auto kind, root.text("kind"));
  if (!kind.empty() && kind != "Config") return invalid(root.where("kind") + ": must be Config");
  TRY_VOID(merge_named(root, "clusters", "cluster", merged.clusters));
  TRY_VOID(merge_named(root, "contexts", "context", merged.contexts));
  TRY_VOID(merge_named(root, "users", "user", merged.users));
  TRY(auto current, root.text("current-context"));
  if (merged.current_context.empty()) merged.current_context = current;
  return {};
}

Result<Merged> merge(const std::vector<std::string>& files) {
  Merged merged;
  for (const std::string& file : files) {
    auto text = read_file(file);
    // kubectl passes over files of a list that do not exist; a single one must.
    if (!text && text.error().code == std::errc::no_such_file_or_directory && files.size() > 1)
      continue;
    if (!text) return prefix("kubeconfig", std::move(text).error());
    auto documents = parse_documents(*text);
    if (!documents) return prefix("kubeconfig " + file, std::move(documents).error());
    if (documents->size() > 1) return invalid("kubeconfig " + file + ": more than one document");
    if (documents->empty() || documents->front().is_null()) continue;
    if (!documents->front().is_object())
      return invalid("kubeconfig " + file + ": must be an object");
    merged.documents.push_back(std::move(documents->front()));
    const std::string folder = std::filesystem::path(file).parent_path().string();
    TRY_VOID(merge_document(
        Section(merged.documents.back().get_object(), "kubeconfig " + file + ": ", folder),
        merged));
  }
  return merged;
}

Result<> read_cluster(const Section& cluster, ClientConfig& config) {
  TRY_VOID(cluster.refuse("proxy-url", "proxies are not supported"));
  TRY(config.server, cluster.text("server"));
  if (config.server.empty()) return invalid(cluster.where("server") + ": required");
  auto address = parse_server(config.server);
  if (!address) return prefix(cluster.where("server"), std::move(address).error());
  TRY(config.tls_server_name, cluster.text("tls-server-name"));
  TRY(config.insecure_skip_tls_verify, cluster.boolean("insecure-skip-tls-verify"));
  TRY(config.ca, cluster.pem("certificate-authority"));
  if (config.insecure_skip_tls_verify && !config.ca.empty()) {
    return invalid(cluster.where("insecure-skip-tls-verify") +
                   ": may not be true beside certificate-authority");
  }
  return {};
}

Result<ExecPlugin> read_exec(const Section& exec) {
  ExecPlugin plugin;
  TRY(plugin.api_version, exec.text("apiVersion"));
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1") {
    return invalid(exec.where("apiVersion") +
                   ": must be client.authentication.k8s.io/v1 or v1beta1");
  }
  TRY(plugin.command, exec.text("command"));
  if (plugin.command.empty()) return invalid(exec.where("command") + ": required");
  // With a slash it is a path, relative to the file; without, PATH is searched.
  if (plugin.command.find('/') != std::string::npos) {
    TRY(plugin.command, exec.path("command"));
  }
  if (const json::value* arguments = exec.find("args")) {
    if (!arguments->is_array()) return invalid(exec.where("args") + ": must be a list");
    for (const json::value& argument : arguments->get_array()) {
      if (!argument.is_string()) return invalid(exec.where("args") + ": must be a list of text");
      plugin.arguments.emplace_back(argument.get_string());
    }
  }
  TRY(auto environment, exec.sections("env"));
  for (const Section& variable : environment) {
    TRY(auto name, variable.text("name"));
    TRY(auto value, variable.text("value"));
    plugin.environment.emplace_back(std::move(name), std::move(value));
  }
  return plugin;
}

Result<> read_user(const Section& user, ClientConfig& config) {
  TRY_VOID(user.refuse("auth-provider", "auth providers are not supported; use an exec plugin"));
  for (const std::string_view field : {"as", "as-uid", "as-groups", "as-user-extra"}) {
    TRY_VOID(user.refuse(field, "impersonation is not supported"));
  }
  TRY(config.client_certificate, user.pem("client-certificate"));
  TRY(config.client_key, user.pem("client-key"));
  if (config.client_certificate.empty() != config.client_key.empty()) {
    return invalid(user.where(config.client_key.empty() ? "client-key" : "client-certificate") +
                   ": required beside the other of the two");
  }
  TRY(config.token, user.text("token"));
  TRY(config.token_file, user.path("tokenFile"));
  TRY(config.username, user.text("username"));
  TRY(config.password, user.text("password"));
  if (user.find("exec") != nullptr) {
    TRY(auto exec, user.section("exec"));
    TRY(config.exec, read_exec(exec));
  }
  return {};
}

Result<const Section*> named(const std::map<std::string, Section, std::less<>>& entries,
                             const std::string& name, const std::string& field,
                             std::string_view what) {
  const auto found = entries.find(name);
  if (found == entries.end()) {
    return invalid(field + ": no " + std::string(what) + " is named \"" + name + '"');
  }
  return &found->second;
}

}  // namespace

Result<ClientConfig> load_kubeconfig(const std::vector<std::string>& files,
                                     const std::string& context) {
  TRY(const auto merged, merge(files));
  const std::string all =
      "kubeconfig " + (files.empty() ? std::string("(no file)") : files.front());
  const std::string& wanted = context.empty() ? merged.current_context : context;
  if (wanted.empty()) return invalid(all + ": current-context: required");
  TRY(const Section* chosen, named(merged.contexts, wanted, all + ": current-context", "context"));

  ClientConfig config;
  config.origin = all + ", context " + wanted;
  TRY(auto cluster_name, chosen->text("cluster"));
  TRY(auto user_name, chosen->text("user"));
  TRY(config.default_namespace, chosen->text("namespace"));
  TRY(const Section* cluster,
      named(merged.clusters, cluster_name, chosen->where("cluster"), "cluster"));
  TRY_VOID(read_cluster(*cluster, config));
  if (!user_name.empty()) {
    TRY(const Section* user, named(merged.users, user_name, chosen->where("user"), "user"));
    TRY_VOID(read_user(*user, config));
  }
  TRY_VOID(check_plain_http(config));
  return config;
}

}  // namespace fairlead::client
