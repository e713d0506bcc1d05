// Which session a packet is for: by the discriminator that it names, and before the sender knows
// one, by where it came from (RFC 5880 6.3, RFC 5881 3).
#pragma once

#include <map>
#include <optional>
#include <random>
#include <string>

#include "dataplane/bfd/packet.hpp"
#include "model/ip.hpp"

namespace fairlead::bfd {

/// One hop away. `interface` is the link's name where the address means something only there (IPv6
/// link-local ones), else "".
struct Neighbor {
  Ip address{};
  std::string interface {};
  auto operator<=>(const Neighbor&) const = default;
};

class Demultiplexer {
 public:
  /// `seed`: discriminators are random, because to guess one is to speak for a peer.
  explicit Demultiplexer(std::uint64_t seed) : random_(seed) {}

  /// A discriminator that no other session has. Nothing: there is a session with that neighbor.
  std::optional<Discriminator> add(const Neighbor& neighbor);
  void remove(Discriminator session);
  /// What is wrong with the packet itself is found here, too.
  [[nodiscard]] tl::expected<Discriminator, Refusal> find(ByteView payload,
                                                          const Neighbor& from) const;

 private:
  std::mt19937_64 random_;
  std::map<Neighbor, Discriminator> by_neighbor_;
  std::map<Discriminator, Neighbor> sessions_;
};

}  // namespace fairlead::bfd
