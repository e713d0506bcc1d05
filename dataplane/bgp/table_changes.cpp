// PeerChanges -> UPDATEs.
#include "dataplane/bgp/table_changes.hpp"

#include "dataplane/bgp/encode.hpp"
#include "dataplane/bgp/families.hpp"

namespace fairlead::bgp {

std::vector<Error> encode(const PeerChanges& changes, const Negotiated& negotiated, Bytes& out) {
  std::vector<Error> errors;
  for (const Family family : kFamilies) encode_withdrawal(family, changes.withdrawn[family], out);
  for (const auto& [family, attributes, prefixes] : changes.announced) {
    auto encoded = encode_announcement(family, *attributes, prefixes, negotiated, out);
    if (encoded) continue;
    encode_withdrawal(family, prefixes, out);
    errors.push_back(std::move(encoded.error()));
  }
  for (const Family family : kFamilies)
    if (changes.complete && negotiated.families[family]) encode_end_of_rib(family, out);
  return errors;
}

}  // namespace fairlead::bgp
