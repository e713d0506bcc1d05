// Writes objects to an API server, many at a time, and waits until all are written.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/ways/kube_objects.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

class ApiWriter {
 public:
  static Result<ApiWriter> open(const std::string& kubeconfig);
  ApiWriter(ApiWriter&&) noexcept;
  ApiWriter& operator=(ApiWriter&&) noexcept;
  ~ApiWriter();

  /// Errors name the object; one of that name that is there already is an error, too.
  Result<> create(const std::vector<ApiObject>& objects);
  /// Merges into the objects of these names.
  Result<> update(const std::vector<ApiObject>& objects);

 private:
  struct Impl;
  explicit ApiWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fairlead::bench
