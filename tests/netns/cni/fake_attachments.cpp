#include "tests/netns/cni/fake_attachments.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <stdexcept>

namespace fairlead::test {

using podnet::Attachment;
using podnet::Outcome;
using podnet::Refusal;
using podnet::Refused;

namespace {

tl::unexpected<Refused> refuse(Refusal why) {
  return tl::unexpected(Refused{why, "the fake was told to"});
}

}  // namespace

Outcome<> FakeAttachments::enter(std::unique_lock<std::mutex>& lock) {
  ++waiting_;
  changed_.wait(lock, [this] { return !script_.holds; });
  --waiting_;
  if (script_.throws) throw std::runtime_error("a bug");
  if (script_.refusal) return refuse(*script_.refusal);
  return {};
}

Outcome<Attachment> FakeAttachments::add(const podnet::AttachmentRequest& request,
                                         const Fd& netns) {
  std::unique_lock lock(mutex_);
  TRY_VOID(enter(lock));
  struct stat info {};
  if (::fstat(netns.get(), &info) != 0) return refuse(Refusal::kInvalidNetns);
  if (held_.contains(request.key)) return refuse(Refusal::kExists);
  last_request_ = request;
  Attachment made;
  made.key = request.key;
  made.pod = request.pod;
  made.sandbox = request.sandbox;
  made.ips = {ip_from_v4({10, 244, 1, next_address_++}), parse_ip("fd00:244:1::5").value()};
  made.host_link = "fl-0123456789ab";
  made.mtu = 1450;
  held_[made.key] = made;
  return made;
}

Outcome<std::optional<Attachment>> FakeAttachments::remove(const podnet::AttachmentKey& key) {
  std::unique_lock lock(mutex_);
  TRY_VOID(enter(lock));
  const auto node = held_.extract(key);
  return node ? std::optional(node.mapped()) : std::nullopt;
}

Outcome<Attachment> FakeAttachments::check(const podnet::AttachmentKey& key, const Fd&) {
  std::unique_lock lock(mutex_);
  TRY_VOID(enter(lock));
  const auto found = held_.find(key);
  if (found == held_.end()) return refuse(Refusal::kUnknown);
  return found->second;
}

Outcome<std::vector<Attachment>> FakeAttachments::collect(
    const std::string& network, std::span<const podnet::AttachmentKey> valid) {
  std::unique_lock lock(mutex_);
  TRY_VOID(enter(lock));
  std::vector<Attachment> removed;
  std::erase_if(held_, [&](const auto& entry) {
    const bool goes = entry.first.network == network && std::ranges::count(valid, entry.first) == 0;
    if (goes) removed.push_back(entry.second);
    return goes;
  });
  return removed;
}

Outcome<> FakeAttachments::status() {
  std::unique_lock lock(mutex_);
  return enter(lock);
}

std::vector<Attachment> FakeAttachments::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Attachment> attachments;
  for (const auto& [key, attachment] : held_) attachments.push_back(attachment);
  return attachments;
}

}  // namespace fairlead::test
