// <pin directory>/layer2/holders-<abi>      the addresses
//                       /links/<ifindex>    a filter of ours is there
//                       /clsact/<ifindex>   and the clsact is of our making
//
// A filter of clsact rather than a tcx link, because it is the same on every kernel; Fairlead's own
// programs at tcx let these frames pass.
#include "dataplane/layer2/responder.hpp"

#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "bpf/object.hpp"
#include "dataplane/kernel/bpf_fs.hpp"
#include "dataplane/kernel/bpf_link.hpp"
#include "dataplane/kernel/ethernet_links.hpp"

namespace fairlead::layer2 {
namespace {

constexpr const char* kProgram = "fairlead_layer2";
constexpr const char* kMap = "holders";

/// Before those of the eBPF datapath.
ClsactPlace place_of(int link) {
  return {.interface = link, .egress = false, .handle = 0xfa, .priority = 0x0f00};
}

fl_layer2_key key_of(int link, const Ip& address) {
  fl_layer2_key key{};
  key.interface = static_cast<__u32>(link);
  std::memcpy(&key.address, address.bytes.data(), sizeof(key.address));
  return key;
}

MacBytes mac_of(const __u8 (&bytes)[ETH_ALEN]) { return std::to_array(bytes); }

Result<std::set<int>> numbers_in(const std::string& directory) {
  std::set<int> numbers;
  TRY(const auto names, list_directory(directory));
  for (const std::string& name : names) {
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) numbers.insert(number);
  }
  return numbers;
}

std::string directory_in(const std::string& pin_directory) { return pin_directory + "/layer2"; }

}  // namespace

bool Responder::is_present(const std::string& pin_directory) {
  return path_exists(directory_in(pin_directory));
}

Result<Responder> Responder::open(const std::string& pin_directory) {
  const std::string directory = directory_in(pin_directory);
  TRY_VOID(check_bpffs(pin_directory));
  TRY_VOID(make_directories(directory));
  TRY(auto object, BpfObject::open(layer2_bpf_object(), "layer2"));
  const std::string pin = fmt::format("{}/{}-{}", directory, kMap, FL_LAYER2_ABI);
  const bool exists = path_exists(pin);
  BpfMapHandle pinned;
  if (exists) {
    TRY(pinned, BpfMapHandle::open_pinned(pin, kMap));
    TRY_VOID(object.adopt_map(kMap, pinned.fd()));
  }
  TRY_VOID(object.load());
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  Responder responder(std::move(object), std::move(socket), directory);
  TRY(auto map, BpfMapHandle::duplicate(responder.object_.map_fd(kMap), kMap));
  if (!exists) TRY_VOID(map.pin(pin));
  responder.holders_ = BpfMap<fl_layer2_key, fl_layer2_holder>(std::move(map));
  for (const BpfProgram& program : responder.object_.programs()) {
    if (program.name != kProgram) continue;
    responder.program_ = program.fd;
    responder.program_id_ = program.id;
  }
  return responder;
}

Result<> Responder::hold(int link, const Ip& address, const MacBytes& mac) {
  fl_layer2_holder holder{};
  std::ranges::copy(mac, holder.mac);
  if (!address.is_v4()) TRY_VOID(add_neighbour_proxy(socket_, link, address));
  return holders_.update(key_of(link, address), holder);
}

Result<> Responder::release(int link, const Ip& address) {
  const fl_layer2_key key = key_of(link, address);
  TRY_VOID(holders_.erase(std::span(&key, 1)));
  return address.is_v4() ? Result<>() : delete_neighbour_proxy(socket_, link, address);
}

Result<std::vector<Answer>> Responder::answers() const {
  TRY(const auto elements, holders_.read());
  std::vector<Answer> answers;
  for (const auto& [key, holder] : elements) {
    Answer& answer = answers.emplace_back();
    answer.link = static_cast<int>(key.interface);
    std::memcpy(answer.address.bytes.data(), &key.address, sizeof(key.address));
    answer.mac = mac_of(holder.mac);
    answer.is_ceded = holder.ceded != 0;
    answer.claimed_by = mac_of(holder.claimed_by);
  }
  return answers;
}

Result<> Responder::attach(int link) {
  TRY(const auto have, find_clsact(place_of(link)));
  if (have == program_id_) return {};
  TRY(const bool made, ensure_clsact(link));
  if (made) TRY_VOID(make_directories(fmt::format("{}/clsact/{}", directory_, link)));
  TRY_VOID(make_directories(fmt::format("{}/links/{}", directory_, link)));
  return attach_clsact(place_of(link), program_);
}

Result<> Responder::detach(int link) {
  TRY_VOID(detach_clsact(place_of(link)));
  const std::string own_clsact = fmt::format("{}/clsact/{}", directory_, link);
  if (path_exists(own_clsact)) {
    auto used = has_clsact_filters(link);
    if (used && !*used) TRY_VOID(remove_clsact(link));
    TRY_VOID(remove_tree(own_clsact));
  }
  return remove_tree(fmt::format("{}/links/{}", directory_, link));
}

Result<> Responder::attach(const std::set<int>& links) {
  TRY(const auto attached, numbers_in(directory_ + "/links"));
  for (const int link : attached)
    if (!links.contains(link)) TRY_VOID(detach(link));
  for (const int link : links) TRY_VOID(attach(link));
  return {};
}

Result<> Responder::clean_up() {
  TRY(const auto have, answers());
  for (const Answer& answer : have) TRY_VOID(release(answer.link, answer.address));
  TRY_VOID(attach(std::set<int>()));
  return remove_tree(directory_);
}

}  // namespace fairlead::layer2
