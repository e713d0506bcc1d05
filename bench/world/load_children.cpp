// fork -> serve() or run_load() -> ready, or the result as JSON, by the child's pipe.
#include "bench/world/load_children.hpp"

#include <fmt/format.h>

namespace fairlead::bench {

Result<Child> start_server(const ChildSetting& setting, Port port) {
  TRY(Child server, Child::start(setting, [port](int ready) {
        const auto served = serve({.address = any_address(Family::kIpv4),
                                   .port = port,
                                   .threads = 1,
                                   .cpus = {},
                                   .ready_fd = ready});
        if (!served) fmt::print(stderr, "bench: server: {}\n", served.error().doing);
        return served ? 0 : 1;
      }));
  TRY_VOID(server.wait_until_ready());
  return server;
}

Result<Child> start_load(const ChildSetting& setting, LoadOptions load) {
  return start_text(setting, [load = std::move(load)]() -> Result<std::string> {
    TRY(const LoadResult result, run_load(load));
    return to_json(result);
  });
}

}  // namespace fairlead::bench
