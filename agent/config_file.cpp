// YAML tree -> walk along the option table -> AgentConfig.
//
// The walk knows no option: at each mapping it builds the dotted path and asks the table. A path
// that is an option's is set, one that leads to options is entered, anything else is unknown. The
// kind of file decides which column of the table is asked. Positions come from the YAML parser;
// they are kept for each field, since a contradiction between two fields shows only at the end.
#include "agent/config_file.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <set>
#include <sstream>

#include "agent/datapaths.hpp"
#include "agent/options.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;

using Column = std::string_view Option::*;

std::string position(std::string_view file, const YAML::Mark& mark) {
  return mark.is_null() ? std::string(file)
                        : fmt::format("{}:{}:{}", file, mark.line + 1, mark.column + 1);
}

/// kube-proxy writes out every field; one that holds its type's zero, or its default address, was
/// not set by anybody.
bool is_unset(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null:
      return true;
    case YAML::NodeType::Scalar: {
      constexpr std::array<std::string_view, 8> kZeroes{"",        "0",  "0s",   "false",
                                                        "0.0.0.0", "::", "0m0s", "0h0m0s"};
      return std::ranges::find(kZeroes, node.Scalar()) != kZeroes.end();
    }
    case YAML::NodeType::Sequence:
      return node.size() == 0;
    case YAML::NodeType::Map:
      return std::all_of(node.begin(), node.end(),
                         [](const auto& entry) { return is_unset(entry.second); });
  }
  return false;
}

/// What stands between quotes or brackets is text also where it looks like a number; the table
/// decides what it must be.
std::string_view shape_name(Shape shape) {
  switch (shape) {
    case Shape::kText:
      return "text";
    case Shape::kBool:
      return "true or false";
    case Shape::kNumber:
      return "a number";
    case Shape::kDuration:
      return "a duration";
    case Shape::kList:
      return "a list";
  }
  return "";
}

}  // namespace

class ConfigReader {
 public:
  ConfigReader(ConfigBuilder& builder, std::string_view file, Column column)
      : builder_(builder), file_(file), column_(column) {}

  Result<> read(const YAML::Node& mapping, const std::string& path) {
    std::set<std::string> seen;
    for (const auto& entry : mapping) {
      if (!entry.first.IsScalar())
        return error_at(entry.first, path, "a field's name must be text");
      const std::string& key = entry.first.Scalar();
      const std::string field = path.empty() ? key : path + '.' + key;
      if (!seen.insert(key).second) return error_at(entry.first, field, "is given twice");
      if (path.empty() && (key == "apiVersion" || key == "kind")) continue;
      TRY_VOID(read_field(entry.first, entry.second, field));
    }
    return {};
  }

 private:
  [[nodiscard]] bool is_kube_proxy() const { return column_ == &Option::kube_proxy; }

  [[nodiscard]] tl::unexpected<Error> error_at(const YAML::Node& node, std::string_view field,
                                               std::string_view message) const {
    return invalid(
        fmt::format("{}: {}: {}", position(file_, node.Mark()), field.substr(0, 128), message));
  }

  Result<> read_field(const YAML::Node& key, const YAML::Node& value, const std::string& field) {
    const auto table = options();
    const auto option = std::ranges::find(table, field, column_);
    if (option != table.end()) {
      if (is_kube_proxy() && is_unset(value)) return {};
      return set(*option, value, field);
    }
    const std::string inside = field + '.';
    const bool is_section = std::ranges::any_of(
        table, [&](const Option& one) { return (one.*column_).starts_with(inside); });
    if (!is_section)
      return error_at(key, field, "unknown field; known here: " + known_fields(field));
    if (value.IsNull()) return {};
    if (!value.IsMap()) return error_at(value, field, "must be a mapping");
    return read(value, field);
  }

  /// The names that `field` could have had: its siblings.
  [[nodiscard]] std::string known_fields(std::string_view field) const {
    const auto dot = field.rfind('.');
    const std::string_view parent = dot == std::string_view::npos ? "" : field.substr(0, dot + 1);
    std::vector<std::string_view> names;
    for (const Option& option : options()) {
      std::string_view name = option.*column_;
      if (name.empty() || !name.starts_with(parent)) continue;
      name = name.substr(parent.size());
      name = name.substr(0, name.find('.'));
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
    return fmt::format("{}", fmt::join(names, ", "));
  }

  Result<> set(const Option& option, const YAML::Node& value, const std::string& field) {
    switch (option.support) {
      case Support::kIgnored:
        builder_.warnings_.push_back(fmt::format(
            "{}: {} has no effect: {}", position(file_, value.Mark()), field, option.help));
        return {};
      case Support::kRefused:
        return error_at(value, field, std::string("refused: ") + std::string(option.help));
      case Support::kFull:
        break;
    }
    std::vector<std::string> texts;
    if (value.IsScalar()) {
      texts =
          option.shape == Shape::kList ? split_list(value.Scalar()) : std::vector{value.Scalar()};
    } else if (value.IsSequence() && option.shape == Shape::kList) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (!value[i].IsScalar())
          return error_at(value[i], fmt::format("{}[{}]", field, i), "must be text");
        texts.push_back(value[i].Scalar());
      }
    } else {
      return error_at(value, field, fmt::format("must be {}", shape_name(option.shape)));
    }
    if (auto done = option.set(builder_.config_, texts); !done) {
      const bool is_item = value.IsSequence();
      const auto index = done.error().index;
      return error_at(is_item ? value[index] : value,
                      is_item ? fmt::format("{}[{}]", field, index) : field, done.error().message);
    }
    builder_.origins_[std::string(option.field)] = position(file_, value.Mark());
    return {};
  }

  ConfigBuilder& builder_;
  std::string_view file_;
  Column column_;
};

namespace {

struct Kind {
  std::string_view api_version;
  std::string_view kind;
  Column column;
};
constexpr Kind kKinds[] = {
    {"fairlead.io/v1alpha1", "AgentConfiguration", &Option::field},
    {"kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration", &Option::kube_proxy}};

Result<const Kind*> find_kind(std::string_view file, const YAML::Node& root) {
  std::array<std::string, 2> found;
  for (std::size_t i = 0; i < 2; ++i) {
    const char* field = i == 0 ? "apiVersion" : "kind";
    const YAML::Node value = root[field];
    if (!value) return invalid(fmt::format("{}: {}: missing", position(file, root.Mark()), field));
    if (!value.IsScalar())
      return invalid(fmt::format("{}: {}: must be text", position(file, value.Mark()), field));
    found[i] = value.Scalar();
  }
  for (const Kind& kind : kKinds) {
    if (kind.kind != found[1]) continue;
    if (kind.api_version == found[0]) return &kind;
    return invalid(fmt::format("{}: apiVersion: \"{:.64}\" is not {}",
                               position(file, root["apiVersion"].Mark()), found[0],
                               kind.api_version));
  }
  return invalid(
      fmt::format("{}: kind: \"{:.64}\" is neither AgentConfiguration nor KubeProxyConfiguration",
                  position(file, root["kind"].Mark()), found[1]));
}

}  // namespace

namespace {

/// Counts documents, and refuses what would make a small text a large tree: aliases, of which each
/// is walked as often as it is reached (or without end, where it leads to itself), and more values
/// than a configuration has.
class DocumentCounter final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override { ++count; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YAML::ParserException(mark, "aliases are not accepted");
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string&) override {
    add(mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    add(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    add(mark);
  }
  void OnMapEnd() override {}
  std::size_t count = 0;

 private:
  static constexpr std::size_t kMostValues = 10'000;
  void add(const YAML::Mark& mark) {
    if (++values_ > kMostValues)
      throw YAML::ParserException(mark, "more than 10,000 values are not accepted");
  }
  std::size_t values_ = 0;
};

/// YAML::LoadAll() never ends on some broken texts, for which yaml-cpp finds one empty document
/// after the other: ask for two at most.
bool is_one_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentCounter counter;
  for (int i = 0; i < 2 && parser.HandleNextDocument(counter); ++i) {
  }
  return counter.count == 1;
}

}  // namespace

Result<> ConfigBuilder::read_file(std::string_view file, std::string_view text) {
  if (text.size() > kLargestFile) return invalid(fmt::format("{}: larger than 1 MiB", file));
  try {
    const std::string owned(text);
    if (!is_one_document(owned))
      return invalid(fmt::format("{}: must hold exactly one document", file));
    const YAML::Node root = YAML::Load(owned);
    if (!root.IsMap())
      return invalid(fmt::format("{}: not a mapping", position(file, root.Mark())));
    TRY(const Kind* kind, find_kind(file, root));
    return ConfigReader(*this, file, kind->column).read(root, "");
  } catch (const YAML::Exception& exception) {
    return invalid(fmt::format("{}: {:.200}", position(file, exception.mark), exception.msg));
  }
}

Result<> ConfigBuilder::set_flag(std::string_view flag, const std::string& value) {
  const auto table = options();
  const auto option = std::ranges::find(table, flag, &Option::flag);
  if (option == table.end()) return invalid(fmt::format("--{}: unknown flag", flag));
  const std::string origin = fmt::format("--{}", flag);
  if (option->support == Support::kIgnored) {
    warnings_.push_back(fmt::format("{} has no effect: {}", origin, option->help));
    return {};
  }
  const auto texts = option->shape == Shape::kList ? split_list(value) : std::vector{value};
  if (auto done = option->set(config_, texts); !done)
    return invalid(fmt::format("{}: {}", origin, done.error().message));
  origins_[std::string(option->field)] = origin;
  return {};
}

namespace {

/// A field, and what is wrong with it; empty: nothing.
std::pair<std::string_view, std::string_view> check_bgp(const AgentConfig& config) {
  constexpr std::chrono::seconds kLongestRestart{4095};  // 12 bits (RFC 4724 3)
  if (config.bgp_as == 0) return {"bgp.asNumber", "must not be 0 (RFC 7607)"};
  if (config.bgp_router_id &&
      (!config.bgp_router_id->is_v4() || config.bgp_router_id->is_unspecified()))
    return {"bgp.routerID", "must be written as an IPv4 address other than 0.0.0.0"};
  if (config.bgp_max_paths < 1 || config.bgp_max_paths > 16)
    return {"bgp.maxPaths", "must lie in 1 to 16"};
  if (config.bgp_restart_time > kLongestRestart)
    return {"bgp.restartTime", "must not be longer than 4095s"};
  return {};
}

}  // namespace

Result<AgentConfig> ConfigBuilder::finish(const std::string& default_node_name) && {
  AgentConfig& config = config_;
  const auto wrong = [this](std::string_view field, std::string_view message) {
    const auto origin = origins_.find(field);
    return invalid(fmt::format("{}{}: {}", origin == origins_.end() ? "" : origin->second + ": ",
                               field, message));
  };
  if (config.node_name.empty()) config.node_name = default_node_name;
  std::ranges::transform(config.node_name, config.node_name.begin(),
                         [](unsigned char c) { return std::tolower(c); });
  constexpr std::size_t kLongestName = 253;  // RFC 1123, as Kubernetes checks a Node's name
  if (config.node_name.empty() || config.node_name.size() > kLongestName)
    return wrong("nodeName", "must have 1 to 253 characters");
  const auto datapaths = datapath_names();
  if (config.datapath != "auto" &&
      std::ranges::find(datapaths, config.datapath) == datapaths.end()) {
    return wrong("datapath", fmt::format("\"{:.64}\" is none of auto, {}", config.datapath,
                                         fmt::join(datapaths, ", ")));
  }
  if (config.detect_local == DetectLocalMode::kClusterCidr && config.cluster_cidrs.empty()) {
    return wrong("detectLocal.mode", "ClusterCIDR needs clusterCIDRs");
  }
  if (config.detect_local == DetectLocalMode::kBridgeInterface && config.bridge_interface.empty()) {
    return wrong("detectLocal.mode", "BridgeInterface needs detectLocal.bridgeInterface");
  }
  if (config.detect_local == DetectLocalMode::kInterfaceNamePrefix &&
      config.interface_name_prefix.empty()) {
    return wrong("detectLocal.mode", "InterfaceNamePrefix needs detectLocal.interfaceNamePrefix");
  }
  constexpr std::size_t kLongestInterface = 15;  // IFNAMSIZ - 1
  if (config.bridge_interface.size() > kLongestInterface)
    return wrong("detectLocal.bridgeInterface", "longer than 15 characters");
  if (config.interface_name_prefix.size() > kLongestInterface) {
    return wrong("detectLocal.interfaceNamePrefix", "longer than 15 characters");
  }
  if (const auto error = check_bgp(config); !error.first.empty())
    return wrong(error.first, error.second);
  if (config.sync_period.count() == 0) return wrong("syncPeriod", "must be longer than 0");
  if (config.compare_period.count() == 0) return wrong("comparePeriod", "must be longer than 0");
  if (config.oom_score_adj < -1000 || config.oom_score_adj > 1000)
    return wrong("oomScoreAdj", "must lie in -1000 to 1000");
  if (config.health_bind_address && config.health_bind_address == config.metrics_bind_address) {
    return wrong("metricsBindAddress", "is healthBindAddress too");
  }
  return std::move(config_);
}

std::string to_yaml(const AgentConfig& config) {
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "apiVersion" << YAML::Value
      << std::string(kKinds[0].api_version) << YAML::Key << "kind" << YAML::Value
      << std::string(kKinds[0].kind);
  std::string_view section;
  for (const Option& option : options()) {
    if (option.field.empty()) continue;
    const auto dot = option.field.find('.');
    const std::string_view parent =
        dot == std::string_view::npos ? "" : option.field.substr(0, dot);
    if (parent != section && !section.empty()) out << YAML::EndMap;
    if (parent != section && !parent.empty())
      out << YAML::Key << std::string(parent) << YAML::Value << YAML::BeginMap;
    section = parent;
    out << YAML::Key
        << std::string(option.field.substr(dot == std::string_view::npos ? 0 : dot + 1))
        << YAML::Value;
    const auto values = option.get(config);
    if (option.shape == Shape::kList) {
      out << YAML::Flow << values;
    } else if (option.shape == Shape::kText) {
      out << YAML::DoubleQuoted << values.at(0);
    } else {
      out << values.at(0);
    }
  }
  if (!section.empty()) out << YAML::EndMap;
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

std::string default_node_name() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): called before there are threads.
  if (const char* name = std::getenv("NODE_NAME"); name != nullptr && *name != '\0') return name;
  std::array<char, 256> host{};
  return ::gethostname(host.data(), host.size() - 1) == 0 ? std::string(host.data())
                                                          : std::string();
}

}  // namespace fairlead
