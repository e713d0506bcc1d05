// datagram and its source -> session.
#include "dataplane/bfd/demultiplexer.hpp"

namespace fairlead::bfd {

std::optional<Discriminator> Demultiplexer::add(const Neighbor& neighbor) {
  if (by_neighbor_.contains(neighbor)) return std::nullopt;
  Discriminator own;
  do own = {static_cast<std::uint32_t>(random_())};
  while (own == Discriminator{} || sessions_.contains(own));
  by_neighbor_.emplace(neighbor, own);
  sessions_.emplace(own, neighbor);
  return own;
}

void Demultiplexer::remove(Discriminator session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  by_neighbor_.erase(found->second);
  sessions_.erase(found);
}

tl::expected<Discriminator, Refusal> Demultiplexer::find(ByteView payload,
                                                         const Neighbor& from) const {
  const auto packet = decode(payload);
  if (!packet) return tl::unexpected(packet.error());
  if (sessions_.contains(packet->yours)) return packet->yours;
  const auto neighbor = by_neighbor_.find(from);
  if (packet->yours != Discriminator{} || neighbor == by_neighbor_.end())
    return tl::unexpected(Refusal::kUnknownSession);
  return neighbor->second;
}

}  // namespace fairlead::bfd
