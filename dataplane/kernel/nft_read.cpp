// Dumps of tables, chains, rules and sets become a TableContent; a dump of elements goes to the
// caller one by one.
#include "dataplane/kernel/nft_read.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <cerrno>

#include "dataplane/kernel/netlink_attributes.hpp"
#include "dataplane/kernel/nft_userdata.hpp"

namespace fairlead::nft {
namespace {

constexpr std::size_t kRequestBytes = 1024;
using Request = std::array<char, kRequestBytes>;

nlmsghdr* put_request(Request& request, std::uint16_t type) {
  nlmsghdr* message = mnl_nlmsg_put_header(request.data());
  message->nlmsg_type = static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type);
  message->nlmsg_flags = NLM_F_REQUEST;
  auto* nfnetlink = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  nfnetlink->nfgen_family = NFPROTO_INET;
  nfnetlink->version = NFNETLINK_V0;
  return message;
}

std::span<const std::uint8_t> value_of(const nlattr* data) {
  if (data == nullptr) return {};
  const nlattr* value = nested_attributes<NFTA_DATA_MAX + 1>(*data)[NFTA_DATA_VALUE];
  return value != nullptr ? attribute_bytes(*value) : std::span<const std::uint8_t>{};
}

ElementView parse_element(const nlattr& nest) {
  const auto parts = nested_attributes<NFTA_SET_ELEM_MAX + 1>(nest);
  ElementView element;
  element.key = value_of(parts[NFTA_SET_ELEM_KEY]);
  element.key_end = value_of(parts[NFTA_SET_ELEM_KEY_END]);
  element.data = value_of(parts[NFTA_SET_ELEM_DATA]);
  if (parts[NFTA_SET_ELEM_USERDATA] != nullptr)
    element.comment = element_comment(attribute_bytes(*parts[NFTA_SET_ELEM_USERDATA]));
  if (parts[NFTA_SET_ELEM_DATA] == nullptr) return element;
  const nlattr* verdict =
      nested_attributes<NFTA_DATA_MAX + 1>(*parts[NFTA_SET_ELEM_DATA])[NFTA_DATA_VERDICT];
  if (verdict == nullptr) return element;
  const auto verdict_parts = nested_attributes<NFTA_VERDICT_MAX + 1>(*verdict);
  if (verdict_parts[NFTA_VERDICT_CODE] != nullptr)
    element.verdict =
        static_cast<std::int32_t>(ntohl(mnl_attr_get_u32(verdict_parts[NFTA_VERDICT_CODE])));
  if (verdict_parts[NFTA_VERDICT_CHAIN] != nullptr)
    element.chain = mnl_attr_get_str(verdict_parts[NFTA_VERDICT_CHAIN]);
  return element;
}

std::vector<DataType> fields_of(std::uint32_t type) {
  std::vector<DataType> fields;
  for (; type != 0; type >>= 6) fields.insert(fields.begin(), static_cast<DataType>(type & 0x3f));
  return fields;
}

Set to_set(const nftnl_set* object) {
  const std::uint32_t flags = nftnl_set_get_u32(object, NFTNL_SET_FLAGS);
  Set set;
  set.name = nftnl_set_get_str(object, NFTNL_SET_NAME);
  set.key = fields_of(nftnl_set_get_u32(object, NFTNL_SET_KEY_TYPE));
  set.ranges = (flags & NFT_SET_INTERVAL) != 0;
  set.from_packets = (flags & NFT_SET_EVAL) != 0;
  set.size = nftnl_set_get_u32(object, NFTNL_SET_DESC_SIZE);
  if ((flags & NFT_SET_MAP) == 0) return set;
  const std::uint32_t data = nftnl_set_get_u32(object, NFTNL_SET_DATA_TYPE);
  if (data == NFT_DATA_VERDICT)
    set.verdicts = true;
  else
    set.data = fields_of(data);
  return set;
}

Chain to_chain(const nftnl_chain* object) {
  Chain chain{nftnl_chain_get_str(object, NFTNL_CHAIN_NAME), std::nullopt};
  if (nftnl_chain_is_set(object, NFTNL_CHAIN_HOOKNUM))
    chain.hook = Hook{nftnl_chain_get_str(object, NFTNL_CHAIN_TYPE),
                      nftnl_chain_get_u32(object, NFTNL_CHAIN_HOOKNUM),
                      nftnl_chain_get_s32(object, NFTNL_CHAIN_PRIO)};
  return chain;
}

template <class T, T* (*kAlloc)(), void (*kFree)(const T*), int (*kParse)(const nlmsghdr*, T*)>
Result<bool> dump_objects(NetlinkSocket& socket, nlmsghdr& request,
                          const std::function<void(const T&)>& on_object) {
  return socket.dump(request, [&](const nlmsghdr& reply) -> Result<> {
    struct Free {
      void operator()(T* object) const { kFree(object); }
    };
    const std::unique_ptr<T, Free> object(kAlloc());
    if (kParse(&reply, object.get()) < 0) return system_error(EBADMSG, "parse nftables dump");
    on_object(*object);
    return {};
  });
}

Result<bool> table_exists(NetlinkSocket& socket, const std::string& table) {
  Request request{};
  nlmsghdr* message = put_request(request, NFT_MSG_GETTABLE);
  mnl_attr_put_strz(message, NFTA_TABLE_NAME, table.c_str());
  auto outcome = socket.query(*message, [](const nlmsghdr&) -> Result<> { return {}; });
  if (outcome) return true;
  if (outcome.error().code == std::errc::no_such_file_or_directory) return false;
  return prefix("read table inet " + table, std::move(outcome).error());
}

Result<bool> read_chains(NetlinkSocket& socket, const std::string& table, TableContent& content) {
  Request request{};
  return dump_objects<nftnl_chain, nftnl_chain_alloc, nftnl_chain_free, nftnl_chain_nlmsg_parse>(
      socket, *put_request(request, NFT_MSG_GETCHAIN), [&](const nftnl_chain& chain) {
        if (table == nftnl_chain_get_str(&chain, NFTNL_CHAIN_TABLE))
          content.chains[nftnl_chain_get_str(&chain, NFTNL_CHAIN_NAME)].chain = to_chain(&chain);
      });
}

Result<bool> read_rules(NetlinkSocket& socket, const std::string& table, TableContent& content) {
  Request request{};
  nlmsghdr* message = put_request(request, NFT_MSG_GETRULE);
  mnl_attr_put_strz(message, NFTA_RULE_TABLE, table.c_str());
  return socket.dump(*message, [&](const nlmsghdr& reply) -> Result<> {
    std::string_view in_table, chain;
    std::optional<std::uint64_t> fingerprint;
    for_each_attribute(reply, sizeof(nfgenmsg), [&](const nlattr& attribute) {
      const auto type = mnl_attr_get_type(&attribute);
      if (type == NFTA_RULE_TABLE) in_table = mnl_attr_get_str(&attribute);
      if (type == NFTA_RULE_CHAIN) chain = mnl_attr_get_str(&attribute);
      if (type == NFTA_RULE_USERDATA) fingerprint = rule_fingerprint(attribute_bytes(attribute));
    });
    if (in_table == table) content.chains[std::string(chain)].fingerprints.push_back(fingerprint);
    return {};
  });
}

Result<bool> read_sets(NetlinkSocket& socket, const std::string& table, TableContent& content) {
  Request request{};
  nlmsghdr* message = put_request(request, NFT_MSG_GETSET);
  mnl_attr_put_strz(message, NFTA_SET_TABLE, table.c_str());
  return dump_objects<nftnl_set, nftnl_set_alloc, nftnl_set_free, nftnl_set_nlmsg_parse>(
      socket, *message, [&](const nftnl_set& set) {
        if ((nftnl_set_get_u32(&set, NFTNL_SET_FLAGS) & NFT_SET_ANONYMOUS) != 0) return;
        Set found = to_set(&set);
        content.sets.emplace(found.name, std::move(found));
      });
}

}  // namespace

Result<std::optional<TableContent>> read_table(NetlinkSocket& socket, const std::string& table) {
  TRY(const bool exists, table_exists(socket, table));
  if (!exists) return std::nullopt;
  TableContent content;
  for (const auto read : {read_chains, read_rules, read_sets}) {
    auto consistent = read(socket, table, content);
    if (!consistent) return prefix("read table inet " + table, std::move(consistent).error());
    content.consistent &= *consistent;
  }
  return content;
}

Result<bool> read_elements(NetlinkSocket& socket, const std::string& table, const std::string& set,
                           const std::function<void(const ElementView&)>& on_element) {
  Request request{};
  nlmsghdr* message = put_request(request, NFT_MSG_GETSETELEM);
  mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
  mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set.c_str());
  auto consistent = socket.dump(*message, [&](const nlmsghdr& reply) -> Result<> {
    for_each_attribute(reply, sizeof(nfgenmsg), [&](const nlattr& attribute) {
      if (mnl_attr_get_type(&attribute) == NFTA_SET_ELEM_LIST_ELEMENTS)
        for_each_nested(attribute,
                        [&](const nlattr& element) { on_element(parse_element(element)); });
    });
    return {};
  });
  if (!consistent) return prefix("read elements of " + set, std::move(consistent).error());
  return consistent;
}

}  // namespace fairlead::nft
