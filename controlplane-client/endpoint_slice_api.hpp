// Which version of EndpointSlices the server has: discovery.k8s.io/v1 since 1.21, v1beta1 before.
#pragma once

#include <string>

#include "controlplane-client/api_client.hpp"

namespace fairlead::client {

class EndpointSliceApi {
 public:
  explicit EndpointSliceApi(ApiClient& client) : client_(client) {}

  /// "/apis/discovery.k8s.io/v1/endpointslices"; asks the server once and remembers.
  Awaitable<Result<std::string>> path();
  /// The server does not have what it had: ask again.
  void forget() { version_.clear(); }
  /// "discovery.k8s.io/v1", or "" before it is known.
  [[nodiscard]] const std::string& version() const { return version_; }

 private:
  ApiClient& client_;
  std::string version_;
};

}  // namespace fairlead::client
