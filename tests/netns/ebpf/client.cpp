// Plain system calls; addresses in the form of the socket's family.
#include "tests/netns/ebpf/client.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace fairlead::test {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress address_for(Family family, const Endpoint& endpoint) {
  SocketAddress address;
  if (family == Family::kIpv4) {
    auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(endpoint.port);
    std::memcpy(&in->sin_addr, endpoint.ip.bytes.data() + 12, 4);
    address.size = sizeof(*in);
  } else {
    auto* in = reinterpret_cast<sockaddr_in6*>(&address.storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(endpoint.port);
    std::memcpy(&in->sin6_addr, endpoint.ip.bytes.data(), 16);
    address.size = sizeof(*in);
  }
  return address;
}

Endpoint endpoint_of(const SocketAddress& address) {
  Endpoint endpoint;
  if (address.storage.ss_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&address.storage);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &in->sin_addr, 4);
    return {ip_from_v4(bytes), ntohs(in->sin_port)};
  }
  if (address.storage.ss_family == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    std::memcpy(endpoint.ip.bytes.data(), &in->sin6_addr, 16);
    endpoint.port = ntohs(in->sin6_port);
  }
  return endpoint;
}

int error_if(bool failed) { return failed ? errno : 0; }

}  // namespace

std::ostream& operator<<(std::ostream& out, const Endpoint& endpoint) {
  return out << to_string(endpoint.ip, {endpoint.port});
}

Client::Client(const Namespace& where, Family family, int type, int protocol) : family_(family) {
  where.run([&] {
    where.run_as_client([&] {
      fd_ =
          Fd(::socket(family == Family::kIpv4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, protocol));
    });
  });
  if (!fd_) return;
  const timeval patience{2, 0};
  for (const int direction : {SO_RCVTIMEO, SO_SNDTIMEO})
    EXPECT_EQ(::setsockopt(fd_.get(), SOL_SOCKET, direction, &patience, sizeof(patience)), 0);
}

Client::Client(const Namespace& where, Family family, Protocol protocol)
    : Client(where, family, protocol == Protocol::kTcp ? SOCK_STREAM : SOCK_DGRAM, 0) {
  EXPECT_TRUE(fd_);
}

std::optional<Client> Client::mptcp(const Namespace& where, Family family) {
  Client client(where, family, SOCK_STREAM, IPPROTO_MPTCP);
  if (!client.fd_) return std::nullopt;
  return client;
}

int Client::connect(const Endpoint& to) const {
  auto address = address_for(family_, to);
  return error_if(::connect(fd_.get(), address.get(), address.size) != 0);
}

int Client::disconnect() const {
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  return error_if(::connect(fd_.get(), &none, sizeof(none)) != 0);
}

int Client::bind(const Endpoint& to) const {
  auto address = address_for(family_, to);
  return error_if(::bind(fd_.get(), address.get(), address.size) != 0);
}

int Client::send() const { return error_if(::send(fd_.get(), "?\n", 2, MSG_NOSIGNAL) != 2); }

int Client::send_to(const Endpoint& to) const {
  auto address = address_for(family_, to);
  return error_if(::sendto(fd_.get(), "?\n", 2, MSG_NOSIGNAL, address.get(), address.size) != 2);
}

int Client::set_v6_only() const {
  const int on = 1;
  return error_if(::setsockopt(fd_.get(), SOL_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0);
}

Received Client::receive() const {
  SocketAddress from;
  std::array<char, 256> buffer{};
  const ssize_t got =
      ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0, from.get(), &from.size);
  if (got < 0) return {errno, "", {}};
  const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
  return {0, std::string(text.substr(0, text.find(' '))), endpoint_of(from)};
}

Endpoint Client::peer() const {
  SocketAddress address;
  if (::getpeername(fd_.get(), address.get(), &address.size) != 0) return {};
  return endpoint_of(address);
}

Endpoint Client::name() const {
  SocketAddress address;
  EXPECT_EQ(::getsockname(fd_.get(), address.get(), &address.size), 0);
  return endpoint_of(address);
}

Received Client::ask(const Endpoint& to) const {
  const int error = send_to(to);
  return error != 0 ? Received{error, "", {}} : receive();
}

Received Client::ask() const {
  const int error = send();
  return error != 0 ? Received{error, "", {}} : receive();
}

}  // namespace fairlead::test
