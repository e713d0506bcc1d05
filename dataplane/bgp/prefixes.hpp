// NLRI: a length in bits, then as many whole bytes as hold them (RFC 4271 4.3).
#pragma once

#include <span>

#include "dataplane/bgp/reader.hpp"
#include "dataplane/bgp/writer.hpp"

namespace fairlead::bgp {

struct PrefixRead {
  /// RFC 7606 5.3: a length over 32 (128), or fewer bytes than it needs. Where the next prefix
  /// begins is then unknown.
  bool malformed = false;
  /// IPv6 prefixes within ::ffff:0:0/96 (IPv4-mapped addresses, never routed: RFC 6890 2.2.3), left
  /// out because a Prefix of them would be one of IPv4.
  std::size_t mapped = 0;
};

/// Appends to `prefixes`, in order; bits past the length are cleared.
PrefixRead read_prefixes(Reader reader, Family family, std::vector<Prefix>& prefixes);

std::size_t encoded_size(const Prefix& prefix);
void write_prefix(Writer& writer, const Prefix& prefix);

}  // namespace fairlead::bgp
