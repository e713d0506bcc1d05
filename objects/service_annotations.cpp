// Annotations -> how a Service's backends are chosen. They are text that no API server has checked:
// each wrong entry costs itself.
#include "objects/service_annotations.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "model/quoted.hpp"
#include "objects/fields.hpp"

namespace fairlead {
namespace {

constexpr std::uint16_t kHeaviest = 100;
constexpr std::size_t kMostWeights =
    5000;  // nodes of the largest cluster Kubernetes is tested with

constexpr std::array kAlgorithms{
    std::pair{std::string_view("random"), Algorithm::kRandom},
    std::pair{std::string_view("round-robin"), Algorithm::kRoundRobin},
    std::pair{std::string_view("maglev"), Algorithm::kMaglev},
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

Algorithm decode_algorithm(const Fields& annotations) {
  constexpr std::string_view kKey = "fairlead.io/algorithm";
  const auto text = annotations.text(kKey);
  if (!text) return Algorithm::kDefault;
  for (const auto& [name, algorithm] : kAlgorithms) {
    if (trimmed(*text) == name) return algorithm;
  }
  annotations.problems().add(annotations.path() / kKey,
                             quoted(*text) + " is unknown: expected random, round-robin or maglev");
  return Algorithm::kDefault;
}

Result<NodeWeight> parse_weight(std::string_view entry) {
  const auto equals = entry.find('=');
  const auto node = trimmed(entry.substr(0, equals));
  if (equals == std::string_view::npos || node.empty()) {
    return invalid(quoted(entry) + ": expected NODE=WEIGHT");
  }
  const auto digits = trimmed(entry.substr(equals + 1));
  NodeWeight result{std::string(node), 0};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), result.weight);
  if (error != std::errc{} || end != digits.data() + digits.size() || result.weight < 1 ||
      result.weight > kHeaviest) {
    return invalid(quoted(entry) + ": the weight must be a number from 1 to " +
                   std::to_string(kHeaviest));
  }
  return result;
}

/// By node; of two entries for one node the first stays.
void sort_weights(std::vector<NodeWeight>& weights, const Path& path, ProblemList& problems) {
  std::ranges::stable_sort(weights, {}, &NodeWeight::node);
  for (std::size_t i = 1; i < weights.size(); ++i) {
    if (weights[i].node != weights[i - 1].node) continue;
    problems.add(path, quoted(weights[i].node) + " is named twice; the first weight counts");
  }
  const auto twins = std::ranges::unique(weights, {}, &NodeWeight::node);
  weights.erase(twins.begin(), twins.end());
  weights.shrink_to_fit();
}

std::vector<NodeWeight> decode_node_weights(const Fields& annotations) {
  constexpr std::string_view kKey = "fairlead.io/node-weights";
  std::vector<NodeWeight> weights;
  const auto text = annotations.text(kKey);
  if (!text) return weights;
  const Path path = annotations.path() / kKey;
  for (std::string_view rest = *text; !rest.empty();) {
    const auto comma = std::min(rest.find(','), rest.size());
    const auto entry = trimmed(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (entry.empty()) continue;
    if (weights.size() == kMostWeights) {
      annotations.problems().add(path, "more than the " + std::to_string(kMostWeights) +
                                           " entries that are looked at; the rest is left out");
      break;
    }
    auto weight = parse_weight(entry);
    if (weight) {
      weights.push_back(*std::move(weight));
    } else {
      annotations.problems().add(path, std::move(weight.error().doing));
    }
  }
  sort_weights(weights, path, annotations.problems());
  return weights;
}

}  // namespace

void decode_service_annotations(const Metadata& metadata, ProblemList& problems, Service& service) {
  if (metadata.annotations == nullptr) return;
  const Path root;
  const Path section = root / "metadata";
  const Path path = section / "annotations";
  const Fields annotations(*metadata.annotations, path, problems);
  service.algorithm = decode_algorithm(annotations);
  service.node_weights = decode_node_weights(annotations);
}

}  // namespace fairlead
