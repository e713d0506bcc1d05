// dead backends -> map -> iterator over the storage of all sockets -> struct fl_dead_socket, by
// network namespace -> a thread in each -> sock_diag SOCK_DESTROY of exactly that socket -> the
// iterator once more: whoever is still there could not be ended.
#include "dataplane/ebpf/sockets.hpp"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bpf/abi/sockets.h"
#include "dataplane/ebpf/generation.hpp"
#include "dataplane/ebpf/tables.hpp"
#include "dataplane/kernel/fd.hpp"
#include "dataplane/kernel/netlink.hpp"

namespace fairlead::ebpf {
namespace {

using Sockets = std::vector<fl_dead_socket>;

fl_dead_key key_of(const DeadBackend& backend) {
  fl_dead_key key{};
  std::memcpy(&key.address, backend.address.bytes.data(), sizeof(key.address));
  key.port = htons(backend.port.host);
  key.protocol = static_cast<__u8>(Protocol::kUdp);
  return key;
}

Result<> clear(int map) {
  fl_dead_key key{};
  while (bpf_map_get_next_key(map, nullptr, &key) == 0)
    if (bpf_map_delete_elem(map, &key) != 0 && errno != ENOENT)
      return system_error(errno, "clear BPF map dead_backends");
  return {};
}

Result<> add(int map, const DeadBackend& backend) {
  const fl_dead_key key = key_of(backend);
  const __u8 present = 1;
  if (bpf_map_update_elem(map, &key, &present, BPF_ANY) == 0) return {};
  return system_error(
      errno, "add " + to_string(backend.address, backend.port) + " to BPF map dead_backends");
}

/// `dead` is no longer than the map.
Result<> fill(const SocketTables& tables, std::span<const DeadBackend> dead) {
  TRY_VOID(clear(tables.dead_backends));
  for (const DeadBackend& backend : dead) TRY_VOID(add(tables.dead_backends, backend));
  for (const int map : tables.draining)
    for (const DeadBackend& backend : dead) {
      auto added = add(map, backend);
      if (!added && added.error().code == std::errc::argument_list_too_long) {
        TRY_VOID(clear(map));  // full of those of earlier calls
        added = add(map, backend);
      }
      if (!added) return added;
    }
  return {};
}

Result<std::size_t> capacity_of(int map) {
  bpf_map_info info{};
  __u32 size = sizeof(info);
  if (bpf_obj_get_info_by_fd(map, &info, &size) != 0)
    return system_error(errno, "look at BPF map dead_backends");
  return info.max_entries;
}

Result<Sockets> find_sockets(const SocketTables& tables) {
  Sockets found;
  for (const int map : tables.sockets) {
    TRY(const auto bytes, run_iterator(tables.iterator, map));
    const std::size_t before = found.size();
    found.resize(before + bytes.size() / sizeof(fl_dead_socket));
    std::memcpy(found.data() + before, bytes.data(), bytes.size());
  }
  return found;
}

/// A file that names the network namespace, open: the namespace stays as long as it is.
Fd open_if(const std::filesystem::path& path, std::uint32_t inode) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || status.st_ino != inode) return {};
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fstat(fd.get(), &status) != 0 || status.st_ino != inode) return {};
  return fd;
}

Fd find_namespace(std::uint32_t inode) {
  if (Fd own = open_if("/proc/thread-self/ns/net", inode)) return own;
  std::error_code ignored;  // a directory that is not there, or a process that ends, has none
  for (const char* directory : {"/run/netns", "/proc"})
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
      const bool is_proc = directory == std::string_view("/proc");
      if (Fd found = open_if(is_proc ? entry.path() / "ns/net" : entry.path(), inode)) return found;
    }
  return {};
}

inet_diag_sockid id_of(const fl_dead_socket& socket) {
  inet_diag_sockid id{};
  id.idiag_sport = socket.source_port;
  id.idiag_dport = socket.destination_port;
  id.idiag_if = socket.interface;
  id.idiag_cookie[0] = static_cast<__u32>(socket.cookie);
  id.idiag_cookie[1] = static_cast<__u32>(socket.cookie >> 32);
  const bool is_v4 = socket.family == AF_INET;
  const std::size_t skip = is_v4 ? 3 : 0;  // words of ::ffff:
  std::copy(socket.source.word + skip, socket.source.word + 4, id.idiag_src);
  std::copy(socket.destination.word + skip, socket.destination.word + 4, id.idiag_dst);
  return id;
}

Result<> destroy(NetlinkSocket& diag, const fl_dead_socket& socket) {
  alignas(nlmsghdr) std::array<char, 128> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = SOCK_DESTROY;
  message->nlmsg_flags = NLM_F_REQUEST;
  auto* request =
      static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(message, sizeof(inet_diag_req_v2)));
  request->sdiag_family = socket.family;
  request->sdiag_protocol = IPPROTO_UDP;
  request->idiag_states = ~0U;
  request->id = id_of(socket);
  return diag.query(*message, [](const nlmsghdr&) -> Result<> { return {}; });
}

Result<> destroy_in(const Fd& network, std::span<const fl_dead_socket> sockets) {
  if (::setns(network.get(), CLONE_NEWNET) != 0)
    return system_error(errno, "enter a pod's network namespace");
  TRY(auto diag, NetlinkSocket::open(NETLINK_SOCK_DIAG));
  Result<> first;
  for (const fl_dead_socket& socket : sockets)
    if (auto done = destroy(diag, socket); !done && first) first = std::move(done);
  return first;
}

/// In a thread that ends with it: a thread that has entered a namespace is of no use to others.
Result<> destroy_on_thread(std::uint32_t inode, std::span<const fl_dead_socket> sockets) {
  const Fd network = find_namespace(inode);
  if (!network)
    return system_error(ENOENT, fmt::format("network namespace {} in /proc and /run/netns", inode));
  Result<> outcome;
  std::thread([&] { outcome = destroy_in(network, sockets); }).join();
  return outcome;
}

std::string advice_for(const std::error_code& code) {
  if (code == std::errc::operation_not_supported)
    return " (this kernel lacks CONFIG_INET_DIAG_DESTROY)";
  if (code == std::errc::no_such_file_or_directory)
    return " (is CONFIG_INET_UDP_DIAG built, and does the agent see all processes?)";
  return "";
}

Result<std::size_t> end_found(const SocketTables& tables) {
  TRY(auto found, find_sockets(tables));
  std::map<std::uint32_t, Sockets> by_namespace;
  for (const fl_dead_socket& socket : found) by_namespace[socket.netns_inode].push_back(socket);
  std::optional<Error> why;
  for (const auto& [inode, sockets] : by_namespace)
    if (auto done = destroy_on_thread(inode, sockets); !done && !why) why = std::move(done).error();
  if (found.empty() || !why) return found.size();
  // An error alone is no failure: an application may have closed its socket in between.
  TRY(const auto left, find_sockets(tables));
  if (left.empty()) return found.size();
  const std::string advice = advice_for(why->code);
  return prefix(fmt::format("end {} UDP sockets that are connected to deleted backends{}",
                            left.size(), advice),
                std::move(*why));
}

}  // namespace

Result<std::size_t> end_sockets_of(std::span<const DeadBackend> dead, const SocketTables& tables) {
  TRY(const std::size_t capacity, capacity_of(tables.dead_backends));
  std::size_t ended = 0;
  std::optional<Error> first;
  while (!dead.empty()) {
    const auto part = dead.first(std::min(dead.size(), capacity));
    dead = dead.subspan(part.size());
    TRY_VOID(fill(tables, part));
    auto done = end_found(tables);
    if (done)
      ended += *done;
    else if (!first)
      first = std::move(done).error();
  }
  if (first) return tl::unexpected(std::move(*first));
  return ended;
}

Result<std::vector<fl_dead_key>> connected_backends(const SocketTables& tables) {
  fl_dead_key every{};
  every.protocol = static_cast<__u8>(Protocol::kUdp);
  const __u8 present = 1;
  if (bpf_map_update_elem(tables.dead_backends, &every, &present, BPF_ANY) != 0)
    return system_error(errno, "write BPF map dead_backends");
  auto found = find_sockets(tables);
  TRY_VOID(clear(tables.dead_backends));
  if (!found) return tl::unexpected(std::move(found).error());
  std::vector<fl_dead_key> backends;
  for (const fl_dead_socket& socket : *found) {
    fl_dead_key& backend = backends.emplace_back(every);
    backend.address = socket.destination;
    backend.port = socket.destination_port;
  }
  std::ranges::sort(backends, ByBytes<fl_dead_key>{});
  backends.erase(std::unique(backends.begin(), backends.end(), EqualBytes<fl_dead_key>{}),
                 backends.end());
  return backends;
}

}  // namespace fairlead::ebpf
