// Words -> source, destination, port, protocol -> a query. Addresses and numbers are checked by the
// agent too, but a mistake is told better where it was made.
#include "cli/explain_arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "model/ip.hpp"

namespace fairlead::cli {
namespace {

constexpr std::string_view kUsage =
    "expected SOURCE DESTINATION:PORT[/PROTOCOL], such as 10.244.1.5 10.96.0.10:80/TCP";

std::vector<std::string> split(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += word + ' ';
  for (const std::string_view arrow : {"->", "\u2192"})
    for (auto at = line.find(arrow); at != std::string::npos; at = line.find(arrow))
      line.replace(at, arrow.size(), " ");
  std::istringstream stream(line);
  std::vector<std::string> parts;
  for (std::string part; stream >> part;) parts.push_back(part);
  return parts;
}

}  // namespace

Result<std::string> explain_target(const std::vector<std::string>& words) {
  const auto parts = split(words);
  if (parts.size() != 2) return invalid(std::string(kUsage));
  TRY(const Ip source, parse_ip(parts[0]));

  std::string_view rest = parts[1];
  std::string protocol = "TCP";
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    protocol = rest.substr(slash + 1);
    std::ranges::transform(protocol, protocol.begin(),
                           [](unsigned char c) { return std::toupper(c); });
    rest = rest.substr(0, slash);
  }
  TRY(const Protocol parsed, parse_protocol(protocol));
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) return invalid(std::string(kUsage));
  std::string_view address = rest.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  TRY(const Ip destination, parse_ip(address));
  const std::string_view digits = rest.substr(colon + 1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size())
    return invalid(std::string(kUsage));
  TRY(const Port port, make_port(number));
  return fmt::format("/v1/explain?source={}&destination={}&port={}&protocol={}", to_string(source),
                     to_string(destination), port.host, to_string(parsed));
}

}  // namespace fairlead::cli
