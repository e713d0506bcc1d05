// text -> sizes and weights -> the order in which they are sent; text -> packets a second.
#include "bench/pktgen/mix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

namespace fairlead::bench::pktgen {
namespace {

constexpr std::string_view kImix = "64:7,594:4,1518:1";

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<Mix::Part> parse_part(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto size = parse_number<std::uint32_t>(text.substr(0, colon));
  const auto weight = colon == std::string_view::npos
                          ? std::optional<std::uint32_t>(1)
                          : parse_number<std::uint32_t>(text.substr(colon + 1));
  if (!size || !weight || *weight < 1 || *weight > 1000)
    return invalid(fmt::format("frame size '{}': neither SIZE nor SIZE:WEIGHT", text));
  return Mix::Part{*size, *weight};
}

}  // namespace

std::vector<std::uint32_t> Mix::order() const {
  std::uint32_t all = 0;
  for (const Part& part : parts) all += part.weight;
  // Smooth weighted round-robin: each turn everybody earns its weight, and the richest pays a
  // round.
  std::vector<std::int64_t> credit(parts.size());
  std::vector<std::uint32_t> order;
  while (order.size() < all) {
    for (std::size_t i = 0; i < parts.size(); ++i) credit[i] += parts[i].weight;
    const auto richest = std::ranges::max_element(credit);
    *richest -= all;
    order.push_back(static_cast<std::uint32_t>(richest - credit.begin()));
  }
  return order;
}

double Mix::mean_bytes() const {
  double bytes = 0, weights = 0;
  for (const Part& part : parts) {
    bytes += double{static_cast<double>(part.frame_bytes)} * part.weight;
    weights += part.weight;
  }
  return bytes / weights;
}

Result<Mix> parse_mix(std::string_view text, std::size_t smallest) {
  Mix mix{{}, std::string(text)};
  std::string_view rest = text == "imix" ? kImix : text;
  while (true) {
    const std::size_t comma = rest.find(',');
    TRY(Mix::Part part, parse_part(rest.substr(0, comma)));
    const auto least = static_cast<std::uint32_t>(smallest);
    if (text == "imix") part.frame_bytes = std::max(part.frame_bytes, least);
    if (part.frame_bytes < least || part.frame_bytes > kLargestFrame)
      return invalid(
          fmt::format("frame size {}: not within {} (with FCS, and room for the stamp) and {}",
                      part.frame_bytes, least, kLargestFrame));
    mix.parts.push_back(part);
    if (comma == std::string_view::npos) return mix;
    rest.remove_prefix(comma + 1);
  }
}

std::vector<std::uint32_t> rfc2544_sizes(std::size_t smallest) {
  std::vector<std::uint32_t> sizes{64, 128, 256, 512, 1024, 1280, 1518};
  for (std::uint32_t& size : sizes) size = std::max(size, static_cast<std::uint32_t>(smallest));
  sizes.erase(std::ranges::unique(sizes).begin(), sizes.end());
  return sizes;
}

double line_rate(const Mix& mix, std::uint64_t bits_a_second) {
  return static_cast<double>(bits_a_second) / 8 / (mix.mean_bytes() + 20);
}

Result<double> parse_rate(std::string_view text, double line) {
  const std::string_view units = "kKmM%";
  double factor = 1;
  std::string_view number = text;
  if (!text.empty() && units.find(text.back()) != std::string_view::npos) {
    number.remove_suffix(1);
    const char unit = text.back();
    factor = unit == '%' ? line / 100 : unit == 'k' || unit == 'K' ? 1e3 : 1e6;
  }
  const auto value = parse_number<double>(number);
  if (!value || !std::isfinite(*value) || *value <= 0)
    return invalid(
        fmt::format("rate '{}': a number of packets a second, k, M, or % of the line", text));
  if (factor == 0)
    return invalid(fmt::format("rate '{}': the port does not say how fast its line is", text));
  return *value * factor;
}

}  // namespace fairlead::bench::pktgen
