// fl_drop_event -> DropRecord.
#include "dataplane/ebpf/drops.hpp"

#include <arpa/inet.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "bpf/abi/counters.h"
#include "dataplane/ebpf/names.hpp"

namespace fairlead::ebpf {
namespace {

Ip ip_of(const fl_address& address) {
  Ip ip;
  static_assert(sizeof(ip.bytes) == sizeof(address));
  std::memcpy(ip.bytes.data(), &address, sizeof(address));
  return ip;
}

int append(void* context, void* data, std::size_t size) {
  fl_drop_event event{};
  if (size < sizeof(event)) return 0;  // of an older layout, from before an update of the programs
  std::memcpy(&event, data, sizeof(event));
  static_cast<std::vector<DropRecord>*>(context)->push_back(
      {.since_boot = std::chrono::nanoseconds(event.time),
       .source = ip_of(event.source),
       .destination = ip_of(event.destination),
       .source_port = ntohs(event.source_port),
       .destination_port = ntohs(event.destination_port),
       .protocol = event.protocol,
       .reason = std::string(drop_name(event.reason)),
       .hook = std::string(hook_name(event.hook)),
       .interface = event.interface,
       .suppressed = event.suppressed});
  return 0;
}

}  // namespace

void DropReader::Free::operator()(ring_buffer* ring) const { ring_buffer__free(ring); }

Result<DropReader> DropReader::open(int map_fd) {
  DropReader reader;
  reader.taken_ = std::make_unique<std::vector<DropRecord>>();
  reader.ring_.reset(ring_buffer__new(map_fd, &append, reader.taken_.get(), nullptr));
  if (reader.ring_ == nullptr) return system_error(errno, "open the ring buffer of drops");
  return reader;
}

Result<std::vector<DropRecord>> DropReader::take() {
  const int outcome = ring_buffer__consume(ring_.get());
  if (outcome < 0) return system_error(-outcome, "read the ring buffer of drops");
  return std::exchange(*taken_, {});
}

}  // namespace fairlead::ebpf
