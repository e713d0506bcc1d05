// The program that answers (bpf/layer2.bpf.c), its addresses, and the links where it runs. All of
// it stays when the agent ends.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "bpf/abi/layer2.h"
#include "dataplane/kernel/bpf_map.hpp"
#include "dataplane/kernel/bpf_object.hpp"
#include "dataplane/kernel/netlink.hpp"
#include "dataplane/kernel/route_batch.hpp"
#include "model/ip.hpp"

namespace fairlead::layer2 {

/// What the program has.
struct Answer {
  int link = 0;
  Ip address;
  MacBytes mac{};
  bool is_ceded = false;  // another has announced it, and nothing is answered
  MacBytes claimed_by{};  // then
};

class Responder {
 public:
  /// Loads the program and adopts what an earlier agent left; below `pin_directory`/layer2.
  static Result<Responder> open(const std::string& pin_directory);
  /// Whether an agent has left something there.
  static bool is_present(const std::string& pin_directory);

  Result<> hold(int link, const Ip& address, const MacBytes& mac);
  Result<> release(int link, const Ip& address);
  [[nodiscard]] Result<std::vector<Answer>> answers() const;
  /// The program runs at these links and no others when this returns; also where somebody took it
  /// away.
  Result<> attach(const std::set<int>& links);
  /// Removes everything.
  Result<> clean_up();

 private:
  Responder(BpfObject object, NetlinkSocket socket, std::string directory)
      : object_(std::move(object)), socket_(std::move(socket)), directory_(std::move(directory)) {}
  Result<> attach(int link);
  Result<> detach(int link);

  BpfObject object_;
  NetlinkSocket socket_;
  std::string directory_;
  BpfMap<fl_layer2_key, fl_layer2_holder> holders_;
  int program_ = -1;
  std::uint32_t program_id_ = 0;
};

}  // namespace fairlead::layer2
