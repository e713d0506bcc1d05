// Name -> datapath, with the defaults that an agent has.
#include "bench/datapaths.hpp"

#include <fmt/format.h>

#include "bench/measure.hpp"
#include "dataplane/nftables/datapath.hpp"

namespace fairlead::bench {

std::unique_ptr<Datapath> make_datapath(const DatapathChoice& choice) {
  if (choice.name != "nftables") fail(fmt::format("'{}' is no datapath", choice.name));
  auto made = nftables::make_datapath();
  if (!made) fail(made.error().doing);
  return *std::move(made);
}

}  // namespace fairlead::bench
