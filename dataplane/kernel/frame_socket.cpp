// Two AF_PACKET sockets, each with a filter of classic BPF. They hear what tc has let pass, so no
// question that the program of layer2.bpf.c has answered.
#include "dataplane/kernel/frame_socket.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace fairlead {
namespace {

constexpr std::uint32_t kAll = 0xffff;

/// Replies; and whatever names the same address as sender and as target.
constexpr std::array<sock_filter, 8> kArpFilter{{
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),  // operation
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 4, 0),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 28),  // sender
    BPF_STMT(BPF_MISC | BPF_TAX, 0),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 38),  // target
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, kAll),
    BPF_STMT(BPF_RET | BPF_K, 0),
}};

/// ICMPv6 without extension headers, neighbour advertisements.
constexpr std::array<sock_filter, 6> kNeighbourFilter{{
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20),  // next header
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 3),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 54),  // type
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 136, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, kAll),
    BPF_STMT(BPF_RET | BPF_K, 0),
}};

sockaddr_ll place_of(int link, std::uint16_t type) {
  sockaddr_ll place{};
  place.sll_family = AF_PACKET;
  place.sll_protocol = htons(type);
  place.sll_ifindex = link;
  return place;
}

Result<Fd> open_socket(int link, std::uint16_t type, std::span<const sock_filter> filter) {
  // Of no protocol until it has its filter.
  Fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return system_error(errno, "open packet socket");
  const sock_fprog program{static_cast<unsigned short>(filter.size()),
                           const_cast<sock_filter*>(filter.data())};
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
    return system_error(errno, "filter a packet socket");
  const sockaddr_ll place = place_of(link, type);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&place), sizeof(place)) != 0)
    return system_error(errno, fmt::format("bind packet socket to link {}", link));
  return fd;
}

bool is_down(int error) { return error == ENETDOWN || error == ENXIO || error == ENODEV; }

}  // namespace

Result<FrameSocket> FrameSocket::open(int link) {
  TRY(Fd arp, open_socket(link, ETH_P_ARP, kArpFilter));
  TRY(Fd neighbours, open_socket(link, ETH_P_IPV6, kNeighbourFilter));
  return FrameSocket(std::move(arp), std::move(neighbours), link);
}

Result<> FrameSocket::drain(const std::function<void(std::span<const std::uint8_t>)>& frame) {
  std::array<std::uint8_t, 2048> buffer;
  for (const int fd : {arp_.get(), neighbours_.get()}) {
    for (;;) {
      const ssize_t bytes = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (bytes >= 0) {
        frame(std::span(buffer).first(static_cast<std::size_t>(bytes)));
        continue;
      }
      if (errno == EAGAIN || is_down(errno)) break;
      if (errno != EINTR) return system_error(errno, fmt::format("hear frames of link {}", link_));
    }
  }
  return {};
}

Result<> FrameSocket::send(std::span<const std::uint8_t> frame) {
  const auto type = static_cast<std::uint16_t>(frame[12] << 8 | frame[13]);
  const sockaddr_ll place = place_of(link_, type);
  if (::sendto(arp_.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&place),
               sizeof(place)) >= 0 ||
      is_down(errno))
    return {};
  return system_error(errno, fmt::format("send a frame by link {}", link_));
}

}  // namespace fairlead
