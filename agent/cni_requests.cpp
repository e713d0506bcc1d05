// One function a command.
#include "agent/cni_requests.hpp"

#include <boost/json/serialize.hpp>

#include "cni/result.hpp"

namespace fairlead {
namespace {

CniOutcome refuse(const cni::Request& request, podnet::Refused refused) {
  return {.answer =
              refuse_cni(cni::failure_of(std::move(refused), request.command), request.version)};
}

CniOutcome add(podnet::Attachments& attachments, const cni::Request& request, const Fd& netns) {
  if (!netns) {
    return refuse(
        request, {.why = podnet::Refusal::kInvalidNetns, .doing = "CNI_NETNS was not handed over"});
  }
  auto added = attachments.add(request.attachment, netns);
  if (!added) return refuse(request, std::move(added).error());
  const auto result = cni::result_of(*added, request);
  return {.answer = {0, boost::json::serialize(result)}, .added = {std::move(*added)}};
}

CniOutcome remove(podnet::Attachments& attachments, const cni::Request& request,
                  const Fd& /*netns*/) {
  auto removed = attachments.remove(request.attachment.key);
  if (!removed) return refuse(request, std::move(removed).error());
  CniOutcome outcome;
  if (*removed) outcome.removed.push_back(std::move(**removed));
  return outcome;
}

CniOutcome check(podnet::Attachments& attachments, const cni::Request& request, const Fd& netns) {
  auto checked = attachments.check(request.attachment.key, netns);
  if (!checked) return refuse(request, std::move(checked).error());
  auto difference = cni::find_difference(request.previous, *checked, request.attachment.sandbox);
  if (!difference) return {};
  return refuse(request, {.why = podnet::Refusal::kDiffers, .doing = std::move(*difference)});
}

CniOutcome collect(podnet::Attachments& attachments, const cni::Request& request) {
  auto removed = attachments.collect(request.attachment.key.network, request.valid_attachments);
  if (!removed) return refuse(request, std::move(removed).error());
  return {.removed = std::move(*removed)};
}

CniOutcome report_status(podnet::Attachments& attachments, const cni::Request& request) {
  auto status = attachments.status();
  if (!status) return refuse(request, std::move(status).error());
  return {};
}

}  // namespace

cni::Answer refuse_cni(cni::Failure failure, cni::Version version) {
  failure.version = version;
  return {1, cni::to_json(failure)};
}

CniOutcome serve_cni(podnet::Attachments& attachments, const cni::Request& request,
                     const Fd& netns) {
  switch (request.command) {
    case cni::Command::kAdd:
      return add(attachments, request, netns);
    case cni::Command::kDel:
      return remove(attachments, request, netns);
    case cni::Command::kCheck:
      return check(attachments, request, netns);
    case cni::Command::kGc:
      return collect(attachments, request);
    case cni::Command::kStatus:
      return report_status(attachments, request);
    case cni::Command::kVersion:
      break;
  }
  return {.answer = {0, cni::version_answer("")}};
}

}  // namespace fairlead
