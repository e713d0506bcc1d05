// Pods on this node: what the CNI plugin asks for, in the order of the steps that a SIGKILL may end
// after any of.
//
//   add:    book (addresses, state held) -> links -> answer
//   remove: book (leaving) -> routes -> answer; behind it: links -> book (addresses free)
//   start:  book + kernel -> put right what is held, finish what leaves, free what nobody holds
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/kernel/fd.hpp"
#include "dataplane/podnet/attachment.hpp"
#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead::podnet {

struct AttachmentOptions {
  std::string book;             // file; its directory exists
  std::vector<Cidr> pod_cidrs;  // ranges to give from, in this order
  std::uint32_t mtu = 1500;     // of the pods' links
};

/// Thread-safe: the calls wait for each other where they must. Made in the node's network
/// namespace, and works in that of the calling thread, which must be the same.
class Attachments {
 public:
  /// Reads the book and the kernel, puts right what differs. `warn`: what was repaired, one line
  /// each.
  static Result<std::unique_ptr<Attachments>> open(AttachmentOptions options,
                                                   std::function<void(const std::string&)> warn);
  virtual ~Attachments() = default;

  /// New ranges and MTU, for pods to come.
  virtual void set_options(std::vector<Cidr> pod_cidrs, std::uint32_t mtu) = 0;

  /// `netns`: the pod's. The same key again, with the same namespace: refused (kExists).
  virtual Outcome<Attachment> add(const AttachmentRequest& request, const Fd& netns) = 0;
  /// What it had; nothing if there was none, which is success. `netns` may own nothing.
  virtual Outcome<std::optional<Attachment>> remove(const AttachmentKey& key, const Fd& netns) = 0;
  /// Is everything in place? The refusal says what is not.
  virtual Outcome<Attachment> check(const AttachmentKey& key, const Fd& netns) = 0;
  /// Removes those of `network` that are not in `valid`.
  virtual Outcome<std::vector<Attachment>> collect(const std::string& network,
                                                   std::span<const AttachmentKey> valid) = 0;
  /// Can an ADD be served? The refusal is of kind kNotReady or kExhausted.
  virtual Outcome<> status() = 0;

  [[nodiscard]] virtual std::vector<Attachment> all() const = 0;

  /// Puts right links, addresses, routes and neighbours of pods whose namespace lives; frees what
  /// nobody holds any more. What was done, one line each.
  virtual Result<std::vector<std::string>> repair() = 0;
  /// Removes the links of pods that have left; called by a thread that may wait.
  virtual Result<> finish_removals() = 0;
  /// Removes everything of ours, for --cleanup.
  virtual Result<> clean_up() = 0;
};

}  // namespace fairlead::podnet
