// add_…/delete_… write messages into pages of memory; commit() puts BATCH_BEGIN and BATCH_END
// around them and sends all pages as one datagram, because the kernel takes what one datagram
// carries as one transaction.
//
// Elements are written straight as attributes: there are hundreds of thousands of them, and
// libnftnl allocates each.
#include "dataplane/kernel/nft_batch.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "dataplane/kernel/netlink_attributes.hpp"
#include "dataplane/kernel/nft_userdata.hpp"

namespace fairlead::nft {
namespace {

constexpr std::size_t kPageBytes = 256 * 1024;
constexpr std::size_t kMessageBytes = 80 * 1024;  // no message is longer
// NFTA_SET_ELEM_LIST_ELEMENTS is one attribute, whose length is 16 bits.
constexpr std::size_t kElementListBytes = 60 * 1024;
constexpr std::uint32_t kBeginSequence = 1;
constexpr std::uint32_t kFirstStep = 2;

template <class T, void (*kFree)(const T*)>
struct Free {
  void operator()(T* object) const { kFree(object); }
};
using OwnedSet = std::unique_ptr<nftnl_set, Free<nftnl_set, nftnl_set_free>>;
using OwnedChain = std::unique_ptr<nftnl_chain, Free<nftnl_chain, nftnl_chain_free>>;

nlmsghdr* put_header(char* at, std::uint16_t type, std::uint16_t flags, std::uint32_t sequence,
                     std::uint8_t family, std::uint16_t resource) {
  nlmsghdr* message = mnl_nlmsg_put_header(at);
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  message->nlmsg_seq = sequence;
  auto* nfnetlink = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  nfnetlink->nfgen_family = family;
  nfnetlink->version = NFNETLINK_V0;
  nfnetlink->res_id = htons(resource);
  return message;
}

constexpr std::uint16_t nftables_type(std::uint16_t type) {
  return static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type);
}

void put_value(nlmsghdr* message, std::uint16_t attribute, std::span<const std::uint8_t> value) {
  nlattr* nest = mnl_attr_nest_start(message, attribute);
  mnl_attr_put(message, NFTA_DATA_VALUE, value.size(), value.data());
  mnl_attr_nest_end(message, nest);
}

void put_verdict(nlmsghdr* message, std::int32_t verdict, std::string_view chain) {
  nlattr* data = mnl_attr_nest_start(message, NFTA_SET_ELEM_DATA);
  nlattr* nest = mnl_attr_nest_start(message, NFTA_DATA_VERDICT);
  mnl_attr_put_u32(message, NFTA_VERDICT_CODE, htonl(static_cast<std::uint32_t>(verdict)));
  if (!chain.empty()) mnl_attr_put_strz(message, NFTA_VERDICT_CHAIN, std::string(chain).c_str());
  mnl_attr_nest_end(message, nest);
  mnl_attr_nest_end(message, data);
}

std::uint32_t type_of(std::span<const DataType> fields) {
  std::uint32_t type = 0;
  for (const DataType field : fields) type = (type << 6) | static_cast<std::uint32_t>(field);
  return type;
}

}  // namespace

std::size_t register_bytes(std::span<const DataType> fields) {
  std::size_t bytes = 0;
  for (const DataType field : fields) bytes += field == DataType::kIpv6 ? 16 : 4;
  return bytes;
}

Batch::Batch(std::string table) : table_(std::move(table)) {
  put_header(room(0), NFNL_MSG_BATCH_BEGIN, 0, kBeginSequence, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  nlmsghdr* begin = reinterpret_cast<nlmsghdr*>(pages_.back().bytes.get());
  mnl_attr_put_u32(begin, NFNL_BATCH_GENID, 0);  // commit() fills it in, or shortens the message
  pages_.back().used = begin->nlmsg_len;
  // The first page holds the begin message alone, so that it can be changed in place.
  pages_.emplace_back(Page{std::make_unique<char[]>(kPageBytes), 0});
}

char* Batch::room(std::size_t bytes) {
  if (pages_.empty()) pages_.emplace_back(Page{std::make_unique<char[]>(256), 0});
  if (bytes > 0 && pages_.back().used + bytes > kPageBytes)
    pages_.emplace_back(Page{std::make_unique<char[]>(kPageBytes), 0});
  return pages_.back().bytes.get() + pages_.back().used;
}

nlmsghdr* Batch::start(std::uint16_t type, std::uint16_t flags) {
  return put_header(room(kMessageBytes), nftables_type(type), flags,
                    static_cast<std::uint32_t>(steps_.size()) + kFirstStep, NFPROTO_INET, 0);
}

nlmsghdr* Batch::start_step(std::uint16_t type, std::uint16_t flags, const char* verb,
                            std::string_view object) {
  finish_elements();
  nlmsghdr* message = start(type, flags);
  steps_.push_back({verb, std::string(object)});
  return message;
}

void Batch::finish(nlmsghdr* message) { pages_.back().used += message->nlmsg_len; }

void Batch::add_table() {
  nlmsghdr* message = start_step(NFT_MSG_NEWTABLE, NLM_F_CREATE, "add table", table_);
  mnl_attr_put_strz(message, NFTA_TABLE_NAME, table_.c_str());
  finish(message);
}

void Batch::delete_table() {
  nlmsghdr* message = start_step(NFT_MSG_DELTABLE, 0, "delete table", table_);
  mnl_attr_put_strz(message, NFTA_TABLE_NAME, table_.c_str());
  finish(message);
}

void Batch::add_set(const Set& set) {
  OwnedSet object(nftnl_set_alloc());
  const bool is_map = set.verdicts || !set.data.empty();
  std::uint32_t flags = is_map ? NFT_SET_MAP : 0;
  if (set.ranges) flags |= NFT_SET_INTERVAL;
  if (set.key.size() > 1) flags |= NFT_SET_CONCAT;
  if (set.from_packets) flags |= NFT_SET_TIMEOUT | NFT_SET_EVAL;
  nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, table_.c_str());
  nftnl_set_set_str(object.get(), NFTNL_SET_NAME, set.name.c_str());
  nftnl_set_set_u32(object.get(), NFTNL_SET_FAMILY, NFPROTO_INET);
  nftnl_set_set_u32(object.get(), NFTNL_SET_ID, static_cast<std::uint32_t>(steps_.size()) + 1);
  nftnl_set_set_u32(object.get(), NFTNL_SET_FLAGS, flags);
  nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_TYPE, type_of(set.key));
  nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_LEN,
                    static_cast<std::uint32_t>(register_bytes(set.key)));
  if (set.key.size() > 1) {
    std::array<std::uint8_t, NFT_REG32_COUNT> lengths{};
    for (std::size_t i = 0; i < set.key.size(); ++i)
      lengths[i] = static_cast<std::uint8_t>(field_bytes(set.key[i]));
    nftnl_set_set_data(object.get(), NFTNL_SET_DESC_CONCAT, lengths.data(),
                       static_cast<std::uint32_t>(set.key.size()));
  }
  if (set.verdicts) {
    nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
    nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_LEN, 0);
  } else if (!set.data.empty()) {
    nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_TYPE, type_of(set.data));
    nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_LEN,
                      static_cast<std::uint32_t>(register_bytes(set.data)));
  }
  if (set.size != 0) nftnl_set_set_u32(object.get(), NFTNL_SET_DESC_SIZE, set.size);
  const std::vector<std::uint8_t> userdata = set_userdata(set);
  nftnl_set_set_data(object.get(), NFTNL_SET_USERDATA, userdata.data(),
                     static_cast<std::uint32_t>(userdata.size()));

  nlmsghdr* message = start_step(NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL, "add set", set.name);
  nftnl_set_nlmsg_build_payload(message, object.get());
  finish(message);
}

void Batch::delete_set(std::string_view name) {
  nlmsghdr* message = start_step(NFT_MSG_DELSET, 0, "delete set", name);
  mnl_attr_put_strz(message, NFTA_SET_TABLE, table_.c_str());
  mnl_attr_put_strz(message, NFTA_SET_NAME, steps_.back().object.c_str());
  finish(message);
}

void Batch::add_chain(const Chain& chain) {
  OwnedChain object(nftnl_chain_alloc());
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, table_.c_str());
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, chain.name.c_str());
  if (chain.hook) {
    nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TYPE, chain.hook->type.c_str());
    nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_HOOKNUM, chain.hook->number);
    nftnl_chain_set_s32(object.get(), NFTNL_CHAIN_PRIO, chain.hook->priority);
    nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
  }
  nlmsghdr* message = start_step(NFT_MSG_NEWCHAIN, NLM_F_CREATE, "add chain", chain.name);
  nftnl_chain_nlmsg_build_payload(message, object.get());
  finish(message);
}

void Batch::flush_chain(std::string_view name) {
  nlmsghdr* message = start_step(NFT_MSG_DELRULE, 0, "flush chain", name);
  mnl_attr_put_strz(message, NFTA_RULE_TABLE, table_.c_str());
  mnl_attr_put_strz(message, NFTA_RULE_CHAIN, steps_.back().object.c_str());
  finish(message);
}

void Batch::delete_chain(std::string_view name) {
  nlmsghdr* message = start_step(NFT_MSG_DELCHAIN, 0, "delete chain", name);
  mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, table_.c_str());
  mnl_attr_put_strz(message, NFTA_CHAIN_NAME, steps_.back().object.c_str());
  finish(message);
}

void Batch::add_rule(std::string_view chain, const Rule& rule) {
  nlmsghdr* message =
      start_step(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, "add rule to chain", chain);
  mnl_attr_put_strz(message, NFTA_RULE_TABLE, table_.c_str());
  mnl_attr_put_strz(message, NFTA_RULE_CHAIN, steps_.back().object.c_str());
  nftnl_rule_nlmsg_build_payload(message, rule.expressions.get());
  const std::vector<std::uint8_t> userdata = rule_userdata(rule.fingerprint, rule.comment);
  mnl_attr_put(message, NFTA_RULE_USERDATA, userdata.size(), userdata.data());
  finish(message);
}

void Batch::add_element(std::string_view set, const ElementView& element) {
  put_element(NFT_MSG_NEWSETELEM, set, element);
}

void Batch::delete_element(std::string_view set, const ElementView& element) {
  put_element(NFT_MSG_DELSETELEM, set, element);
}

void Batch::put_element(std::uint16_t type, std::string_view set, const ElementView& element) {
  const bool is_new = type == NFT_MSG_NEWSETELEM;
  const bool fits =
      elements_ != nullptr && elements_type_ == type && elements_set_ == set &&
      static_cast<std::size_t>(static_cast<char*>(mnl_nlmsg_get_payload_tail(elements_)) -
                               reinterpret_cast<char*>(element_list_)) < kElementListBytes;
  if (!fits) {
    finish_elements();
    elements_ = start(type, is_new ? NLM_F_CREATE | NLM_F_EXCL : 0);
    steps_.push_back({is_new ? "add elements to" : "delete elements of", std::string(set)});
    elements_type_ = type;
    elements_set_ = set;
    mnl_attr_put_strz(elements_, NFTA_SET_ELEM_LIST_TABLE, table_.c_str());
    mnl_attr_put_strz(elements_, NFTA_SET_ELEM_LIST_SET, elements_set_.c_str());
    element_list_ = mnl_attr_nest_start(elements_, NFTA_SET_ELEM_LIST_ELEMENTS);
  }
  nlattr* nest = mnl_attr_nest_start(elements_, NFTA_LIST_ELEM);
  put_value(elements_, NFTA_SET_ELEM_KEY, element.key);
  if (!element.key_end.empty()) put_value(elements_, NFTA_SET_ELEM_KEY_END, element.key_end);
  if (is_new) {
    if (element.verdict) put_verdict(elements_, *element.verdict, element.chain);
    if (!element.data.empty()) put_value(elements_, NFTA_SET_ELEM_DATA, element.data);
    if (!element.comment.empty()) {
      const std::vector<std::uint8_t> userdata = element_userdata(element.comment);
      mnl_attr_put(elements_, NFTA_SET_ELEM_USERDATA, userdata.size(), userdata.data());
    }
  }
  mnl_attr_nest_end(elements_, nest);
}

void Batch::finish_elements() {
  if (elements_ == nullptr) return;
  mnl_attr_nest_end(elements_, element_list_);
  finish(elements_);
  elements_ = nullptr;
}

Result<> Batch::commit(NetlinkSocket& socket, std::optional<std::uint32_t> generation) {
  finish_elements();
  if (steps_.empty()) return {};
  // The answer by which success is known. Of the first step, at the head of its page: the begin
  // message is answered since Linux 6.10 only.
  reinterpret_cast<nlmsghdr*>(pages_[1].bytes.get())->nlmsg_flags |= NLM_F_ACK;
  auto* begin = reinterpret_cast<nlmsghdr*>(pages_.front().bytes.get());
  begin->nlmsg_len = static_cast<std::uint32_t>(MNL_NLMSG_HDRLEN + sizeof(nfgenmsg));
  if (generation) mnl_attr_put_u32(begin, NFNL_BATCH_GENID, htonl(*generation));
  pages_.front().used = begin->nlmsg_len;
  finish(put_header(room(kMessageBytes), NFNL_MSG_BATCH_END, 0,
                    static_cast<std::uint32_t>(steps_.size()) + kFirstStep, AF_UNSPEC,
                    NFNL_SUBSYS_NFTABLES));

  std::vector<iovec> pages;
  for (const Page& page : pages_) pages.push_back({page.bytes.get(), page.used});
  auto refusals = socket.transact(pages);
  if (!refusals) return prefix("nftables transaction", std::move(refusals).error());
  if (refusals->empty()) return {};
  const Refusal& first = refusals->front();
  if (first.sequence < kFirstStep || first.sequence - kFirstStep >= steps_.size())
    return system_error(first.error, "nftables transaction");
  const Step& step = steps_[first.sequence - kFirstStep];
  return system_error(first.error,
                      fmt::format("nftables transaction: {} {}", step.verb, step.object));
}

Result<std::uint32_t> read_generation(NetlinkSocket& socket) {
  std::array<char, 256> buffer{};
  nlmsghdr* message = put_header(buffer.data(), nftables_type(NFT_MSG_GETGEN), 0, 0, AF_UNSPEC, 0);
  std::uint32_t generation = 0;
  auto outcome = socket.query(*message, [&](const nlmsghdr& reply) -> Result<> {
    for_each_attribute(reply, sizeof(nfgenmsg), [&](const nlattr& attribute) {
      if (mnl_attr_get_type(&attribute) == NFTA_GEN_ID)
        generation = ntohl(mnl_attr_get_u32(&attribute));
    });
    return {};
  });
  if (!outcome) return prefix("read nftables generation", std::move(outcome).error());
  return generation;
}

}  // namespace fairlead::nft
