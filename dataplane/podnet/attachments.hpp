// Pods on this node: what the CNI plugin asks for, in an order of steps of which a SIGKILL may end
// any.
//
//   add:    book (addresses, held) -> links -> answer
//   remove: book (leaving) -> routes -> answer; behind it: links -> book (addresses free)
//   start:  book + kernel -> put right what is held, finish what leaves, free what nobody holds
#pragma once

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
  std::string book;  // file; its directory exists
  /// One word for what the ranges and the MTU are for. The MTU that the book had last for the same,
  /// and its ranges where none are given here, are in use until set_options().
  std::string kind = "vxlan";
  std::vector<Cidr> pod_cidrs = {};  // ranges to give from, in this order
  std::uint32_t mtu = 1500;          // of the pods' links
};

/// Thread-safe: the calls wait for each other where they must. All calling threads are in the
/// network namespace in which it was opened, the node's.
class Attachments {
 public:
  /// Told what was put right, a line each; from any thread.
  using Warn = std::function<void(const std::string&)>;

  /// Reads the book and the kernel, puts right what differs. An error: the book can neither be read
  /// nor made, or the kernel not be asked.
  static Result<std::unique_ptr<Attachments>> open(AttachmentOptions options, Warn warn);
  virtual ~Attachments() = default;

  /// Ranges and MTU for pods to come; those that are there keep theirs.
  virtual void set_options(std::vector<Cidr> pod_cidrs, std::uint32_t mtu) = 0;

  /// `netns`: the pod's. The same key again while its link is there: refused (kExists).
  virtual Outcome<Attachment> add(const AttachmentRequest& request, const Fd& netns) = 0;
  /// What it had; nothing if there was none, which is success.
  virtual Outcome<std::optional<Attachment>> remove(const AttachmentKey& key) = 0;
  /// Is everything in place? The refusal says what is not.
  virtual Outcome<Attachment> check(const AttachmentKey& key, const Fd& netns) = 0;
  /// Removes those of `network` that are not in `valid`.
  virtual Outcome<std::vector<Attachment>> collect(const std::string& network,
                                                   std::span<const AttachmentKey> valid) = 0;
  /// Can an ADD be served? The refusal is of kind kNotReady or kExhausted.
  virtual Outcome<> status() = 0;

  /// Those that are held.
  [[nodiscard]] virtual std::vector<Attachment> all() const = 0;

  /// Puts right links, routes and neighbours of pods whose namespace lives; frees what nobody holds
  /// any more. What was done, a line each.
  virtual Result<std::vector<std::string>> repair() = 0;
  /// Removes the links of pods that have left, and frees their addresses. Waits for the kernel,
  /// some ten milliseconds for any number of them.
  virtual Result<> finish_removals() = 0;
  /// Removes all of them, for --cleanup.
  virtual Result<> clean_up() = 0;
};

}  // namespace fairlead::podnet
