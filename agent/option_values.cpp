// One value's text -> a typed member, and back. Whatever is refused here says what was found and
// what would be right; who calls knows the field, the file and the line.
#include "agent/option_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace fairlead::option_values {
namespace {

/// What an error shows of a value: a bad file may hold megabytes.
std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 64;
  return fmt::format("\"{}\"{}", text.substr(0, kMost), text.size() > kMost ? "…" : "");
}

template <class E, std::size_t N>
Result<> parse_name(std::string_view text, const Name<E> (&names)[N], E& value) {
  const auto* found = std::ranges::find(names, text, &Name<E>::text);
  if (found != std::end(names)) return value = found->value, Result<>();
  std::string known;
  for (const auto& name : names) known += (known.empty() ? "" : ", ") + std::string(name.text);
  return invalid(fmt::format("{} is none of {}", shown(text), known));
}

template <class E, std::size_t N>
std::string print_name(E value, const Name<E> (&names)[N]) {
  return std::string(std::ranges::find(names, value, &Name<E>::value)->text);
}

struct Unit {
  std::string_view name;
  double milliseconds;
};
// "ms" before "m", as the first that matches is taken.
constexpr Unit kUnits[] = {{"ms", 1}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}};

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  const auto refused = [text] {
    return invalid(shown(text) + " is not a duration such as 30s, 1m30s or 250ms");
  };
  double total = 0;
  std::string_view rest = text;
  if (rest.empty()) return refused();
  while (!rest.empty()) {
    if (rest.front() != '.' && (rest.front() < '0' || rest.front() > '9')) return refused();
    double number = 0;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc()) return refused();
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const auto* unit = std::ranges::find_if(
        kUnits, [rest](const Unit& one) { return rest.starts_with(one.name); });
    if (unit == std::end(kUnits)) return refused();
    rest.remove_prefix(unit->name.size());
    total += number * unit->milliseconds;
  }
  constexpr double kMost = 366.0 * 24 * 3'600'000;
  if (total > kMost) return invalid(shown(text) + " is longer than a year");
  return std::chrono::milliseconds(static_cast<std::int64_t>(total));
}

std::string format_duration(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  if (count == 0) return "0s";
  if (count % 3'600'000 == 0) return fmt::format("{}h", count / 3'600'000);
  if (count % 60'000 == 0) return fmt::format("{}m", count / 60'000);
  if (count % 1'000 == 0) return fmt::format("{}s", count / 1'000);
  return fmt::format("{}ms", count);
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid(shown(text) + " is not ADDRESS:PORT");
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.find(':') != std::string_view::npos) {
    if (!host.starts_with('[') || !host.ends_with(']'))
      return invalid(shown(text) + ": an IPv6 address goes in brackets");
    host = host.substr(1, host.size() - 2);
  }
  auto ip = parse_ip(host);
  if (!ip) return invalid(shown(text) + " is not ADDRESS:PORT with a numeric address");
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size())
    return invalid(shown(text) + " has no port number");
  TRY(const Port port, make_port(number));
  return ListenAddress{*ip, port};
}

Result<> parse_one(std::string_view text, std::string& value) {
  constexpr std::size_t kLongestPath = 4096;
  if (text.size() > kLongestPath) return invalid(shown(text) + " is too long");
  if (text.find('\0') != std::string_view::npos) return invalid("contains a NUL character");
  return value = text, Result<>();
}

Result<> parse_one(std::string_view text, bool& value) {
  if (text != "true" && text != "false") return invalid(shown(text) + " is neither true nor false");
  return value = text == "true", Result<>();
}

Result<> parse_one(std::string_view text, std::int32_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return {};
  return invalid(shown(text) + " is not a whole number");
}

Result<> parse_one(std::string_view text, std::uint32_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return {};
  return invalid(shown(text) + " is not a whole number from 0 to 4294967295");
}

Result<> parse_one(std::string_view text, std::chrono::milliseconds& value) {
  TRY(value, parse_duration(text));
  return {};
}

Result<> parse_one(std::string_view text, Cidr& value) {
  auto cidr = parse_cidr(text);
  if (!cidr) return invalid(shown(text) + " is not an address prefix such as 10.0.0.0/8");
  return value = *cidr, Result<>();
}

Result<> parse_one(std::string_view text, std::optional<ListenAddress>& value) {
  if (text.empty()) return value.reset(), Result<>();
  TRY(value, parse_listen_address(text));
  return {};
}

Result<> parse_one(std::string_view text, DetectLocalMode& value) {
  return parse_name(text, kDetectLocalModes, value);
}
Result<> parse_one(std::string_view text, ebpf::XdpMode& value) {
  return parse_name(text, kXdpModes, value);
}
Result<> parse_one(std::string_view text, Forwarding& value) {
  return parse_name(text, kForwardings, value);
}
Result<> parse_one(std::string_view text, ebpf::PortRange& value) {
  ebpf::PortRange range;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, range.first);
  const bool has_dash = first.ec == std::errc() && first.ptr != end && *first.ptr == '-';
  const auto last = std::from_chars(has_dash ? first.ptr + 1 : end, end, range.last);
  if (!has_dash || last.ec != std::errc() || last.ptr != end || range.first == 0)
    return invalid(shown(text) + " is not a range of ports such as 1024-29999");
  if (range.first > range.last) return invalid(shown(text) + " ends before it begins");
  return value = range, Result<>();
}
Result<> parse_one(std::string_view text, podnet::Mode& value) {
  return parse_name(text, kPodNetworks, value);
}
Result<> parse_one(std::string_view text, std::optional<Family>& value) {
  return parse_name(text, kUnderlays, value);
}
Result<> parse_one(std::string_view text, Port& value) {
  std::uint32_t number = 0;
  TRY_VOID(parse_one(text, number));
  TRY(value, make_port(number));
  return {};
}
Result<> parse_one(std::string_view text, Ip& value) {
  auto ip = parse_ip(text);
  if (!ip) return invalid(shown(text) + " is not an address");
  return value = *ip, Result<>();
}
Result<> parse_one(std::string_view text, std::optional<Ip>& value) {
  if (text.empty()) return value.reset(), Result<>();
  return parse_one(text, value.emplace());
}
Result<> parse_one(std::string_view text, log::Format& value) {
  return parse_name(text, kLogFormats, value);
}
Result<> parse_one(std::string_view text, log::Level& value) {
  return parse_name(text, kLogLevels, value);
}

std::string print_one(const std::string& value) { return value; }
std::string print_one(bool value) { return value ? "true" : "false"; }
std::string print_one(std::int32_t value) { return std::to_string(value); }
std::string print_one(std::uint32_t value) { return std::to_string(value); }
std::string print_one(std::chrono::milliseconds value) { return format_duration(value); }
std::string print_one(const Cidr& value) { return to_string(value); }
std::string print_one(const std::optional<ListenAddress>& value) {
  return value ? to_string(*value) : "";
}
std::string print_one(DetectLocalMode value) { return print_name(value, kDetectLocalModes); }
std::string print_one(ebpf::XdpMode value) { return print_name(value, kXdpModes); }
std::string print_one(Forwarding value) { return print_name(value, kForwardings); }
std::string print_one(ebpf::PortRange value) {
  return fmt::format("{}-{}", value.first, value.last);
}
std::string print_one(podnet::Mode value) { return print_name(value, kPodNetworks); }
std::string print_one(std::optional<Family> value) { return print_name(value, kUnderlays); }
std::string print_one(Port value) { return std::to_string(value.host); }
std::string print_one(const Ip& value) { return to_string(value); }
std::string print_one(const std::optional<Ip>& value) { return value ? to_string(*value) : ""; }
std::string print_one(log::Format value) { return print_name(value, kLogFormats); }
std::string print_one(log::Level value) { return print_name(value, kLogLevels); }

tl::expected<void, ValueError> parse_all(std::span<const std::string> texts,
                                         NodePortAddresses& value) {
  NodePortAddresses parsed{.primary = texts.empty(), .cidrs = {}};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    Cidr cidr;
    if (texts[i] == "primary") {
      parsed.primary = true;
    } else if (texts[i] == "all") {
      parsed.cidrs.push_back(Cidr{any_address(Family::kIpv4), 0});
      parsed.cidrs.push_back(Cidr{any_address(Family::kIpv6), 0});
    } else if (parse_one(texts[i], cidr)) {
      parsed.cidrs.push_back(cidr);
    } else {
      return tl::unexpected(
          ValueError{i, shown(texts[i]) + " is neither an address prefix nor `primary` or `all`"});
    }
  }
  value = std::move(parsed);
  return {};
}

std::vector<std::string> print_all(const NodePortAddresses& value) {
  std::vector<std::string> texts;
  if (value.primary) texts.emplace_back("primary");
  for (const Cidr& cidr : value.cidrs) texts.push_back(to_string(cidr));
  return texts;
}

}  // namespace fairlead::option_values
