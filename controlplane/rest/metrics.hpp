// Counters of the API server, with kube-apiserver's names, in Prometheus' text format.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "controlplane/store/store.hpp"

namespace fairlead::rest {

class Metrics {
 public:
  void count_request(const std::string& verb, const std::string& resource, unsigned code) {
    ++requests_[{verb, resource, code}];
  }
  [[nodiscard]] std::string render(const store::Store& store, std::size_t connections) const;

 private:
  std::map<std::tuple<std::string, std::string, unsigned>, std::uint64_t> requests_;
};

}  // namespace fairlead::rest
