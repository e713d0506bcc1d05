// Generations that another has taken over from. They go on with what they have, until that is
// nothing.
//
//   of our own layout   every flow is counted
//   of another          what is the same in all layouts says when it was used last
//   unknown             told once, and left alone
#pragma once

#include <functional>
#include <set>
#include <string>

#include "model/result.hpp"

namespace fairlead::ebpf {

class FormerGenerations {
 public:
  using Report = std::function<void(const Error&)>;
  /// `report` may be empty.
  FormerGenerations(std::string pin_directory, Report report)
      : pin_directory_(std::move(pin_directory)), report_(std::move(report)) {}

  /// Tells every generation but `live` (empty: every one) to drain.
  Result<> drain(const std::string& live);
  /// The same, and removes those that nobody uses. In the network namespace of their interfaces.
  /// `socket_iterator`: program kSocketIterator. Returns how many are left.
  Result<std::size_t> retire(const std::string& live, int socket_iterator);

 private:
  Result<std::size_t> visit(const std::string& live,
                            const std::function<Result<bool>(const std::string& name)>& visit);

  std::string pin_directory_;
  Report report_;
  std::set<std::string> told_;  // names of those that cannot be drained
};

/// Detaches its programs and removes its directory.
Result<> remove_generation(const std::string& pin_directory, const std::string& name);

}  // namespace fairlead::ebpf
