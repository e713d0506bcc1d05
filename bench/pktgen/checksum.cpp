// bytes -> sum -> folded to 16 bits -> complement.
#include "bench/pktgen/checksum.hpp"

namespace fairlead::bench::pktgen {

std::uint64_t sum(Bytes bytes, std::uint64_t start) {
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) start += get16(bytes.data() + i);
  if (i < bytes.size()) start += std::uint64_t{bytes[i]} << 8;
  return start;
}

std::uint16_t checksum(std::uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::uint64_t pseudo_header_sum(Bytes source, Bytes destination, std::uint8_t protocol,
                                std::size_t length) {
  return sum(destination, sum(source)) + protocol + (length >> 16) + (length & 0xffff);
}

}  // namespace fairlead::bench::pktgen
