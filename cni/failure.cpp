// Refused -> Failure -> the error as JSON.
#include "cni/failure.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace fairlead::cni {
namespace {

struct Reason {
  Code code;
  const char* message;
};

Reason reason_of(podnet::Refusal why) {
  switch (why) {
    case podnet::Refusal::kNotReady:
      return {Code::kTryAgain, "the node has no pod addresses yet"};
    case podnet::Refusal::kExhausted:
      return {Code::kExhausted, "no address is left"};
    case podnet::Refusal::kAddressTaken:
      return {Code::kAddressTaken, "the requested address cannot be had"};
    case podnet::Refusal::kExists:
      return {Code::kExists, "the attachment or its interface exists"};
    case podnet::Refusal::kUnknown:
      return {Code::kUnknownContainer, "no such attachment"};
    case podnet::Refusal::kDiffers:
      return {Code::kDiffers, "the attachment is not as it was made"};
    case podnet::Refusal::kInvalidNetns:
      return {Code::kInvalidNetns, "not a network namespace of a pod"};
    case podnet::Refusal::kStorage:
      return {Code::kStorage, "the address book cannot be written"};
    case podnet::Refusal::kKernel:
      return {Code::kKernel, "the kernel refused"};
  }
  return {Code::kKernel, "the kernel refused"};
}

/// Messages quote what others sent, and may cut it within a character: JSON must be UTF-8.
std::string ascii(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return text;
}

}  // namespace

Failure failure_of(podnet::Refused refused, Command command) {
  auto [code, message] = reason_of(refused.why);
  if (command == Command::kStatus) {
    // Nothing is wrong with the pods that run when addresses are missing; with all else it may be.
    const bool for_new_pods_only = code == Code::kTryAgain || code == Code::kExhausted;
    code = for_new_pods_only ? Code::kNotAvailable : Code::kDegraded;
  }
  return {code, message, std::move(refused.doing), kNewest};
}

std::string to_json(const Failure& failure) {
  return boost::json::serialize(boost::json::object{{"cniVersion", to_string(failure.version)},
                                                    {"code", static_cast<unsigned>(failure.code)},
                                                    {"msg", ascii(failure.message)},
                                                    {"details", ascii(failure.details)}});
}

}  // namespace fairlead::cni
