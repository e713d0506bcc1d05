// nftables' objects as values: what a table consists of, before it becomes netlink and after it was
// read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct nftnl_rule;

namespace fairlead::nft {

/// A base chain's place. `type`: "nat" or "filter"; `hook`: NF_INET_…; lower priorities are asked
/// earlier.
struct Hook {
  std::string type;
  std::uint32_t number = 0;
  std::int32_t priority = 0;
  bool operator==(const Hook&) const = default;
};

struct Chain {
  std::string name;
  std::optional<Hook> hook;
  bool operator==(const Chain&) const = default;
};

/// nft's numbers of the types that it prints (nftables' include/datatype.h).
enum class DataType : std::uint8_t {
  kFamily = 2,  // NFPROTO_…
  kIpv4 = 7,
  kIpv6 = 8,
  kInetProto = 12,
  kInetService = 13,
  kMark = 19
};

/// A set, or a map where `data` or `verdicts` says so. Each field takes a multiple of four bytes.
struct Set {
  std::string name;
  std::vector<DataType> key;
  std::vector<DataType> data;
  bool verdicts = false;
  bool ranges = false;        // the last field of a key may be a range
  bool from_packets = false;  // rules add elements, which time out; then `size` limits them
  std::uint32_t size = 0;
  bool operator==(const Set&) const = default;
};

/// Bytes of a concatenation as nftables lays it out in registers.
std::size_t register_bytes(std::span<const DataType> fields);

/// One element, borrowed. `key_end`: empty, or the last key of a range, inclusive. A map's element
/// has `data` or a verdict.
struct ElementView {
  std::span<const std::uint8_t> key;
  std::span<const std::uint8_t> key_end;
  std::span<const std::uint8_t> data;
  std::optional<std::int32_t> verdict;  // NF_DROP, NFT_GOTO, …
  std::string_view chain;               // of NFT_GOTO
  std::string_view comment;
};

struct RuleDelete {
  void operator()(nftnl_rule* rule) const;
};

/// A rule's expressions; see RuleBuilder. `fingerprint` names what it does, and is written beside
/// it into the kernel, where it says whether the rule that is there is the rule that is wanted.
struct Rule {
  std::unique_ptr<nftnl_rule, RuleDelete> expressions;
  std::uint64_t fingerprint = 0;
  std::string comment;  // not part of the fingerprint
};

}  // namespace fairlead::nft
