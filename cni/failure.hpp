// Why a request fails, as the specification numbers it. docs/pod-network.md has the table of codes.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

#include "cni/version.hpp"
#include "dataplane/podnet/attachment.hpp"
#include "model/result.hpp"

namespace fairlead::cni {

enum class Command : std::uint8_t { kAdd, kDel, kCheck, kGc, kStatus, kVersion };

/// Below 100: the specification's.
enum class Code : std::uint16_t {
  kIncompatibleVersion = 1,
  kUnknownContainer = 3,
  kInvalidEnvironment = 4,
  kIo = 5,
  kDecoding = 6,
  kInvalidConfig = 7,
  kInvalidNetns = 8,
  kTryAgain = 11,
  kNotAvailable = 50,
  kDegraded = 51,
  kExhausted = 100,
  kAddressTaken = 101,
  kExists = 102,
  kDiffers = 103,
  kStorage = 104,
  kKernel = 105,
};

struct Failure {
  Code code = Code::kIo;
  std::string message;        // a short one, the same for the same reason
  std::string details;        // what exactly; may be empty
  Version version = kNewest;  // of the answer: the request's, where it has one
};

template <class T = void>
using Outcome = tl::expected<T, Failure>;

inline tl::unexpected<Failure> fail(Code code, std::string message, std::string details = {}) {
  return tl::unexpected(Failure{code, std::move(message), std::move(details), kNewest});
}

/// The same reason has another code for STATUS, which says whether an ADD could be served.
Failure failure_of(podnet::Refused refused, Command command);

/// {"cniVersion", "code", "msg", "details"}; ASCII, whatever the message quotes.
std::string to_json(const Failure& failure);

}  // namespace fairlead::cni
