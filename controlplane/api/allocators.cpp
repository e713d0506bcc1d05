// Pools of numbers, and what the numbers mean: offsets into a prefix, ports, subnets. A pool is a
// set of what is taken, since clusters use a few thousand of a million addresses.
#include "controlplane/api/allocators.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::api {
namespace {

/// The address `offset` places after `base`.
Ip plus(const Ip& base, std::uint64_t offset) {
  Ip sum = base;
  unsigned carry = 0;
  for (std::size_t i = 16; i > 0; --i) {
    unsigned byte = sum.bytes[i - 1] + static_cast<unsigned>(offset & 0xff) + carry;
    sum.bytes[i - 1] = static_cast<std::uint8_t>(byte);
    carry = byte >> 8;
    offset >>= 8;
    if (i == 9) offset = 0;
  }
  return sum;
}

/// ip - base, where base <= ip and the difference fits 64 bits.
std::uint64_t minus(const Ip& ip, const Ip& base) {
  auto low = [](const Ip& a) {
    std::uint64_t value = 0;
    for (std::size_t i = 8; i < 16; ++i) value = value << 8 | a.bytes[i];
    return value;
  };
  return low(ip) - low(base);
}

unsigned host_bits(const Cidr& cidr) {
  return (cidr.family() == Family::kIpv4 ? 32U : 128U) - cidr.length;
}

/// Usable addresses: all but the network's own and IPv4's broadcast address. At most 2^63 of them
/// are ever used.
std::uint64_t usable(const Cidr& cidr) {
  std::uint64_t all = std::uint64_t{1} << std::min(host_bits(cidr), 63U);
  return all - (cidr.family() == Family::kIpv4 ? 2 : 1);
}

std::uint64_t static_band(std::uint64_t size, std::uint64_t fraction, std::uint64_t most) {
  constexpr std::uint64_t kLeast = 16;
  return size < kLeast ? 0 : std::min(std::max(kLeast, size / fraction), most);
}

}  // namespace

NumberPool::NumberPool(std::uint64_t size, std::uint64_t static_band)
    : size_(size), static_band_(static_band < size ? static_band : 0) {}

bool NumberPool::take(std::uint64_t number) {
  return number < size_ && taken_.insert(number).second;
}

std::optional<std::uint64_t> NumberPool::find_free(std::mt19937_64& random) const {
  auto first_free = [&](std::uint64_t from, std::uint64_t end) -> std::optional<std::uint64_t> {
    std::uint64_t number = from;
    for (auto taken = taken_.lower_bound(from); taken != taken_.end() && *taken == number;
         ++taken) {
      ++number;
    }
    return number < end ? std::optional(number) : std::nullopt;
  };
  if (size_ == 0) return std::nullopt;
  std::uniform_int_distribution<std::uint64_t> anywhere(static_band_, size_ - 1);
  std::uint64_t start = anywhere(random);
  if (auto found = first_free(start, size_)) return found;
  if (auto found = first_free(static_band_, start)) return found;
  return first_free(0, static_band_);
}

std::optional<std::uint64_t> NumberPool::find_lowest() const {
  std::uint64_t number = 0;
  for (std::uint64_t taken : taken_) {
    if (taken != number) break;
    ++number;
  }
  return number < size_ ? std::optional(number) : std::nullopt;
}

IpPool::IpPool(const Cidr& cidr)
    : cidr_(cidr), pool_(usable(cidr), static_band(usable(cidr) + 1, 16, 256)) {}

std::optional<std::uint64_t> IpPool::number_of(const Ip& ip) const {
  if (!cidr_.contains(ip)) return std::nullopt;
  std::uint64_t offset = minus(ip, cidr_.base);
  if (offset == 0 || offset > pool_.size()) return std::nullopt;
  return offset - 1;
}

tl::expected<void, AllocationFailure> IpPool::take(const Ip& ip) {
  if (ip.family() != cidr_.family()) return tl::unexpected(AllocationFailure::kWrongFamily);
  auto number = number_of(ip);
  if (!number) return tl::unexpected(AllocationFailure::kNotInRange);
  if (!pool_.take(*number)) return tl::unexpected(AllocationFailure::kAllocated);
  return {};
}

tl::expected<Ip, AllocationFailure> IpPool::take_any(std::mt19937_64& random) {
  auto number = pool_.find_free(random);
  if (!number) return tl::unexpected(AllocationFailure::kFull);
  pool_.take(*number);
  return plus(cidr_.base, *number + 1);
}

void IpPool::give_back(const Ip& ip) {
  if (auto number = number_of(ip)) pool_.give_back(*number);
}

PortPool::PortPool(std::uint16_t first, std::uint16_t last)
    : first_(first),
      last_(last),
      pool_(last >= first ? last - first + 1U : 0U, static_band(last - first + 1U, 32, 128)) {}

tl::expected<void, AllocationFailure> PortPool::take(std::uint16_t port) {
  if (port < first_ || port > last_) return tl::unexpected(AllocationFailure::kNotInRange);
  if (!pool_.take(static_cast<std::uint64_t>(port - first_))) {
    return tl::unexpected(AllocationFailure::kAllocated);
  }
  return {};
}

tl::expected<std::uint16_t, AllocationFailure> PortPool::take_any(std::mt19937_64& random) {
  auto number = pool_.find_free(random);
  if (!number) return tl::unexpected(AllocationFailure::kFull);
  pool_.take(*number);
  return static_cast<std::uint16_t>(first_ + *number);
}

void PortPool::give_back(std::uint16_t port) {
  if (port >= first_ && port <= last_) pool_.give_back(static_cast<std::uint64_t>(port - first_));
}

SubnetPool::SubnetPool(const Cidr& network, std::uint8_t node_prefix)
    : network_(network),
      node_prefix_(node_prefix),
      pool_(std::uint64_t{1} << std::min(node_prefix - network.length, 16), 0) {}

std::optional<std::pair<std::uint64_t, std::uint64_t>> SubnetPool::numbers_of(
    const Cidr& cidr) const {
  if (cidr.family() != network_.family()) return std::nullopt;
  if (cidr.length <= network_.length) {
    if (!cidr.contains(network_.base)) return std::nullopt;
    return std::pair(std::uint64_t{0}, pool_.size() - 1);
  }
  if (!network_.contains(cidr.base)) return std::nullopt;
  // Bits between the network's prefix and the node's prefix.
  std::uint64_t number = 0;
  unsigned skip = cidr.family() == Family::kIpv4 ? 96 : 0;
  for (unsigned bit = network_.length; bit < node_prefix_; ++bit) {
    unsigned at = skip + bit;
    number = number << 1 | (cidr.base.bytes[at / 8] >> (7 - at % 8) & 1U);
  }
  std::uint64_t width =
      cidr.length >= node_prefix_ ? 1 : std::uint64_t{1} << (node_prefix_ - cidr.length);
  if (number >= pool_.size()) return std::nullopt;
  return std::pair(number, std::min(number + width, pool_.size()) - 1);
}

bool SubnetPool::take(const Cidr& cidr) {
  auto numbers = numbers_of(cidr);
  if (!numbers) return true;
  for (std::uint64_t n = numbers->first; n <= numbers->second; ++n) {
    if (pool_.has(n)) return false;
  }
  for (std::uint64_t n = numbers->first; n <= numbers->second; ++n) pool_.take(n);
  return true;
}

std::optional<Cidr> SubnetPool::take_any() {
  auto number = pool_.find_lowest();
  if (!number) return std::nullopt;
  pool_.take(*number);
  Cidr subnet{network_.base, node_prefix_};
  unsigned skip = network_.family() == Family::kIpv4 ? 96 : 0;
  for (unsigned bit = 0; bit < static_cast<unsigned>(node_prefix_ - network_.length); ++bit) {
    unsigned at = skip + node_prefix_ - 1 - bit;
    if ((*number >> bit & 1U) != 0)
      subnet.base.bytes[at / 8] |= static_cast<std::uint8_t>(1U << (7 - at % 8));
  }
  return subnet;
}

void SubnetPool::give_back(const Cidr& cidr) {
  auto numbers = numbers_of(cidr);
  if (!numbers) return;
  for (std::uint64_t n = numbers->first; n <= numbers->second; ++n) pool_.give_back(n);
}

IpPool* Allocators::pool_of(Family family) {
  auto found =
      std::ranges::find(cluster_ips, family, [](const IpPool& p) { return p.cidr().family(); });
  return found == cluster_ips.end() ? nullptr : &*found;
}

namespace {

Result<void> check_service_cidrs(const std::vector<Cidr>& cidrs) {
  if (cidrs.empty() || cidrs.size() > 2) return invalid("service CIDRs: one or two are needed");
  if (cidrs.size() == 2 && cidrs[0].family() == cidrs[1].family()) {
    return invalid("service CIDRs: " + to_string(cidrs[0]) + " and " + to_string(cidrs[1]) +
                   " are of the same family");
  }
  for (const Cidr& cidr : cidrs) {
    bool v4 = cidr.family() == Family::kIpv4;
    if (cidr.length < (v4 ? 12 : 64) || cidr.length > (v4 ? 30 : 126)) {
      return invalid("service CIDR " + to_string(cidr) + ": the prefix length must be " +
                     (v4 ? "12 to 30" : "64 to 126"));
    }
  }
  return {};
}

Result<SubnetPool> make_subnets(const AllocatorOptions& options, const Cidr& network) {
  bool v4 = network.family() == Family::kIpv4;
  std::uint8_t prefix = v4 ? options.node_prefix_v4 : options.node_prefix_v6;
  if (prefix < network.length || prefix > (v4 ? 32 : 128)) {
    return invalid("pod CIDR " + to_string(network) + ": nodes cannot get a /" +
                   std::to_string(prefix));
  }
  if (prefix - network.length > 16) {
    return invalid("pod CIDR " + to_string(network) + ": more than 65536 networks of /" +
                   std::to_string(prefix));
  }
  return SubnetPool(network, prefix);
}

}  // namespace

Result<Allocators> make_allocators(const AllocatorOptions& options) {
  TRY_VOID(check_service_cidrs(options.service_cidrs));
  if (options.first_node_port == 0 || options.last_node_port < options.first_node_port) {
    return invalid("node ports " + std::to_string(options.first_node_port) + "-" +
                   std::to_string(options.last_node_port) + ": not a range");
  }
  Allocators all{.cluster_ips = {},
                 .node_ports = PortPool(options.first_node_port, options.last_node_port),
                 .pod_networks = {}};
  for (const Cidr& cidr : options.service_cidrs) all.cluster_ips.emplace_back(cidr);
  for (const Cidr& network : options.pod_cidrs) {
    TRY(SubnetPool subnets, make_subnets(options, network));
    all.pod_networks.push_back(std::move(subnets));
  }
  return all;
}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    roll_back();
    taken_ = std::exchange(other.taken_, {});
    freed_ = std::exchange(other.freed_, {});
  }
  return *this;
}

void Reservation::commit() {
  taken_.clear();
  for (auto& give_back : std::exchange(freed_, {})) give_back();
}

void Reservation::roll_back() {
  freed_.clear();
  for (auto& give_back : std::exchange(taken_, {})) give_back();
}

}  // namespace fairlead::api
