// One nftables transaction under construction: messages in the order in which the kernel shall take
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/kernel/netlink.hpp"
#include "dataplane/kernel/nft_objects.hpp"
#include "model/result.hpp"

struct nlattr;
struct nlmsghdr;

namespace fairlead::nft {

/// Everything is in one table of family inet. Elements of one set, added one after the other, share
/// messages.
class Batch {
 public:
  explicit Batch(std::string table);

  void add_table();
  /// With all that is in it.
  void delete_table();
  void add_set(const Set& set);
  void delete_set(std::string_view name);
  void add_chain(const Chain& chain);
  void flush_chain(std::string_view name);
  void delete_chain(std::string_view name);
  void add_rule(std::string_view chain, const Rule& rule);
  void add_element(std::string_view set, const ElementView& element);
  void delete_element(std::string_view set, const ElementView& element);

  [[nodiscard]] bool empty() const { return steps_.empty(); }

  /// Sends it. All or nothing. `generation`: fails with errc::interrupted_system_call... unless the
  /// ruleset is still of that generation. Otherwise the error is the first refusal's, and names the
  /// object.
  Result<> commit(NetlinkSocket& socket, std::optional<std::uint32_t> generation);

 private:
  struct Page {
    std::unique_ptr<char[]> bytes;
    std::size_t used = 0;
  };
  struct Step {  // what a message does, to name it in an error
    const char* verb;
    std::string object;
  };

  char* room(std::size_t bytes);
  nlmsghdr* start(std::uint16_t type, std::uint16_t flags);
  nlmsghdr* start_step(std::uint16_t type, std::uint16_t flags, const char* verb,
                       std::string_view object);
  void finish(nlmsghdr* message);
  void put_element(std::uint16_t type, std::string_view set, const ElementView& element);
  void finish_elements();

  std::string table_;
  std::vector<Page> pages_;
  std::vector<Step> steps_;  // message of sequence number i + kFirstStep
  // The element message that is being filled, if any.
  nlmsghdr* elements_ = nullptr;
  nlattr* element_list_ = nullptr;
  std::uint16_t elements_type_ = 0;
  std::string elements_set_;
};

/// The kernel's current ruleset generation; every transaction of anybody in the network namespace
/// raises it.
Result<std::uint32_t> read_generation(NetlinkSocket& socket);

}  // namespace fairlead::nft
