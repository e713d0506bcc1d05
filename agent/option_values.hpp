// Text <-> the types of AgentConfig's members. An Option's set and get are made from a pointer to
// the member.
#pragma once

#include <charconv>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config.hpp"
#include "agent/options.hpp"

namespace fairlead::option_values {

/// Go's time.ParseDuration without signs: "90s", "1m30s", "1.5h", "250ms", "0".
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds duration);
/// "0.0.0.0:10256", "[::]:10256".
Result<ListenAddress> parse_listen_address(std::string_view text);

/// The names of an enum's values, for both directions.
template <class E>
struct Name {
  E value;
  std::string_view text;
};
inline constexpr Name<DetectLocalMode> kDetectLocalModes[] = {
    {DetectLocalMode::kAuto, "auto"},
    {DetectLocalMode::kClusterCidr, "ClusterCIDR"},
    {DetectLocalMode::kNodeCidr, "NodeCIDR"},
    {DetectLocalMode::kBridgeInterface, "BridgeInterface"},
    {DetectLocalMode::kInterfaceNamePrefix, "InterfaceNamePrefix"},
    {DetectLocalMode::kNone, "None"}};
inline constexpr Name<ebpf::XdpMode> kXdpModes[] = {{ebpf::XdpMode::kOff, "off"},
                                                    {ebpf::XdpMode::kAuto, "auto"},
                                                    {ebpf::XdpMode::kNative, "native"}};
inline constexpr Name<Forwarding> kForwardings[] = {{Forwarding::kFast, "fast"},
                                                    {Forwarding::kStack, "stack"}};
inline constexpr Name<podnet::Mode> kPodNetworks[] = {{podnet::Mode::kNone, "none"},
                                                      {podnet::Mode::kVxlan, "vxlan"},
                                                      {podnet::Mode::kRoutes, "routes"},
                                                      {podnet::Mode::kBgp, "bgp"}};
inline constexpr Name<std::optional<Family>> kUnderlays[] = {
    {std::nullopt, "auto"}, {Family::kIpv4, "ipv4"}, {Family::kIpv6, "ipv6"}};
inline constexpr Name<log::Format> kLogFormats[] = {{log::Format::kText, "text"},
                                                    {log::Format::kJson, "json"}};
inline constexpr Name<log::Level> kLogLevels[] = {{log::Level::kDebug, "debug"},
                                                  {log::Level::kInfo, "info"},
                                                  {log::Level::kWarn, "warn"},
                                                  {log::Level::kError, "error"}};

// Each type of member has parse_one(text, T&) -> Result<> and print_one(T) -> text.
Result<> parse_one(std::string_view text, std::string& value);
Result<> parse_one(std::string_view text, bool& value);
Result<> parse_one(std::string_view text, std::int32_t& value);
Result<> parse_one(std::string_view text, std::uint32_t& value);
Result<> parse_one(std::string_view text, std::chrono::milliseconds& value);
Result<> parse_one(std::string_view text, Cidr& value);
Result<> parse_one(std::string_view text, std::optional<ListenAddress>& value);
Result<> parse_one(std::string_view text, DetectLocalMode& value);
Result<> parse_one(std::string_view text, ebpf::XdpMode& value);
Result<> parse_one(std::string_view text, Forwarding& value);
/// "1024-29999"
Result<> parse_one(std::string_view text, ebpf::PortRange& value);
Result<> parse_one(std::string_view text, podnet::Mode& value);
Result<> parse_one(std::string_view text, std::optional<Family>& value);
Result<> parse_one(std::string_view text, Port& value);
Result<> parse_one(std::string_view text, Ip& value);
/// Empty: none.
Result<> parse_one(std::string_view text, std::optional<Ip>& value);
Result<> parse_one(std::string_view text, log::Format& value);
Result<> parse_one(std::string_view text, log::Level& value);
std::string print_one(const std::string& value);
std::string print_one(bool value);
std::string print_one(std::int32_t value);
std::string print_one(std::uint32_t value);
std::string print_one(std::chrono::milliseconds value);
std::string print_one(const Cidr& value);
std::string print_one(const std::optional<ListenAddress>& value);
std::string print_one(DetectLocalMode value);
std::string print_one(ebpf::XdpMode value);
std::string print_one(Forwarding value);
std::string print_one(ebpf::PortRange value);
std::string print_one(podnet::Mode value);
std::string print_one(std::optional<Family> value);
std::string print_one(Port value);
std::string print_one(const Ip& value);
std::string print_one(const std::optional<Ip>& value);
std::string print_one(log::Format value);
std::string print_one(log::Level value);

template <class T>
tl::expected<void, ValueError> parse_all(std::span<const std::string> texts, T& value) {
  if (texts.size() != 1) return tl::unexpected(ValueError{0, "takes one value"});
  if (auto parsed = parse_one(texts[0], value); !parsed)
    return tl::unexpected(ValueError{0, parsed.error().doing});
  return {};
}

template <class T>
tl::expected<void, ValueError> parse_all(std::span<const std::string> texts,
                                         std::vector<T>& value) {
  value.clear();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    T one;
    if (auto parsed = parse_one(texts[i], one); !parsed)
      return tl::unexpected(ValueError{i, parsed.error().doing});
    value.push_back(std::move(one));
  }
  return {};
}

template <class T>
tl::expected<void, ValueError> parse_all(std::span<const std::string> texts,
                                         std::optional<std::vector<T>>& value) {
  if (texts.size() == 1 && texts[0] == "any")
    return value.reset(), tl::expected<void, ValueError>();
  return parse_all(texts, value.emplace());
}

tl::expected<void, ValueError> parse_all(std::span<const std::string> texts,
                                         NodePortAddresses& value);

template <class T>
std::vector<std::string> print_all(const T& value) {
  return {print_one(value)};
}
template <class T>
std::vector<std::string> print_all(const std::vector<T>& value) {
  std::vector<std::string> texts;
  texts.reserve(value.size());
  for (const T& one : value) texts.push_back(print_one(one));
  return texts;
}
template <class T>
std::vector<std::string> print_all(const std::optional<std::vector<T>>& value) {
  return value ? print_all(*value) : std::vector<std::string>{"any"};
}
std::vector<std::string> print_all(const NodePortAddresses& value);

template <auto Member>
tl::expected<void, ValueError> set(AgentConfig& config, std::span<const std::string> texts) {
  return parse_all(texts, config.*Member);
}
template <auto Member>
std::vector<std::string> get(const AgentConfig& config) {
  return print_all(config.*Member);
}

}  // namespace fairlead::option_values
