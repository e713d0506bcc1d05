// One mutex guards the book, the addresses and the entries; the kernel is worked with outside of
// it. An entry that is being added or leaves belongs to whoever does that.
#include "dataplane/podnet/attachments.hpp"

#include <fmt/format.h>
#include <linux/netlink.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>

#include "dataplane/kernel/netns.hpp"
#include "dataplane/kernel/route_reads.hpp"
#include "dataplane/podnet/book.hpp"
#include "dataplane/podnet/grants.hpp"
#include "dataplane/podnet/kernel_view.hpp"
#include "dataplane/podnet/links.hpp"

namespace fairlead::podnet {
namespace {

tl::unexpected<Refused> refuse(Refusal why, std::string doing) {
  return tl::unexpected(Refused{why, std::move(doing)});
}

std::int64_t seconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

enum class Stage : std::uint8_t { kAdding, kHeld, kLeaving };
struct Entry {
  Attachment attachment;
  Stage stage = Stage::kHeld;
};

class KernelAttachments final : public Attachments {
 public:
  KernelAttachments(AttachmentOptions options, Warn warn, Book book, Netns home)
      : options_(std::move(options)),
        warn_(std::move(warn)),
        book_(std::move(book)),
        home_(std::move(home)) {}

  Result<> start();
  void set_options(std::vector<Cidr> pod_cidrs, std::uint32_t mtu) override;
  Outcome<Attachment> add(const AttachmentRequest& request, const Fd& netns) override;
  Outcome<std::optional<Attachment>> remove(const AttachmentKey& key) override;
  Outcome<Attachment> check(const AttachmentKey& key, const Fd& netns) override;
  Outcome<std::vector<Attachment>> collect(const std::string& network,
                                           std::span<const AttachmentKey> valid) override;
  Outcome<> status() override;
  [[nodiscard]] std::vector<Attachment> all() const override { return at(Stage::kHeld); }
  Result<std::vector<std::string>> repair() override;
  Result<> finish_removals() override;
  Result<> clean_up() override;

 private:
  using Lock = std::unique_lock<std::mutex>;

  [[nodiscard]] std::vector<Attachment> at(Stage stage) const;
  Result<> load();
  Result<> adopt_strangers();
  Result<> adopt(Attachment stranger);

  Outcome<Netns> open_pod(const Fd& netns) const;
  Outcome<> make_room(const AttachmentRequest& request, std::uint64_t cookie);
  [[nodiscard]] bool stands_in_the_way(const Entry& entry, const AttachmentRequest& request,
                                       std::uint64_t cookie) const;
  Outcome<Attachment> reserve(const AttachmentRequest& request, std::uint64_t cookie);
  void forget(const AttachmentKey& key);
  Result<> erase(const std::vector<AttachmentKey>& keys);
  std::optional<Attachment> let_go(const AttachmentKey& key, const Attachment* only = nullptr);
  bool still_holds(const Attachment& attachment) const;
  std::string remake(const Attachment& attachment);

  AttachmentOptions options_;  // guarded by mutex_, as is all that follows but home_
  Warn warn_;
  Book book_;
  const Netns home_;
  Addresses addresses_;
  std::map<AttachmentKey, Entry> entries_;
  mutable std::mutex mutex_;
  std::condition_variable settled_;  // an entry is no longer being added
  std::mutex removing_;              // taken first: links are removed, or made anew, but not both
};

std::vector<Attachment> KernelAttachments::at(Stage stage) const {
  const Lock lock(mutex_);
  std::vector<Attachment> found;
  for (const auto& [key, entry] : entries_)
    if (entry.stage == stage) found.push_back(entry.attachment);
  return found;
}

/// The book as it was left, and what a reboot has ended.
Result<> KernelAttachments::load() {
  TRY(auto contents, book_.read());
  if (contents.settings.kind == options_.kind) {
    if (options_.pod_cidrs.empty()) options_.pod_cidrs = contents.settings.pod_cidrs;
    options_.mtu = contents.settings.mtu;
  }
  for (const Cursor& cursor : contents.cursors) addresses_.set_cursor(cursor);
  for (const auto& [address, turn] : contents.freed) addresses_.set_free(address, turn);
  for (auto& [attachment, standing] : contents.attachments) {
    for (const Ip& ip : attachment.ips) addresses_.take(ip);
    const AttachmentKey key = attachment.key;
    entries_[key] = {std::move(attachment),
                     standing == Standing::kHeld ? Stage::kHeld : Stage::kLeaving};
  }
  TRY(const std::string boot, read_boot_id());
  TRY(const std::string before, book_.boot());
  if (before == boot) return {};
  std::vector<AttachmentKey> gone;
  for (const auto& [key, entry] : entries_) gone.push_back(key);
  if (!gone.empty())
    warn_(fmt::format("the machine has started anew: the addresses of {} pods are free again",
                      gone.size()));
  TRY_VOID(erase(gone));
  return book_.set_boot(boot);
}

Result<> KernelAttachments::start() {
  TRY_VOID(load());
  TRY_VOID(adopt_strangers());
  TRY(const auto repaired, repair());
  for (const std::string& line : repaired) warn_(line);
  return finish_removals();
}

/// Links that look as ours do and are in no book: the book was lost.
Result<> KernelAttachments::adopt_strangers() {
  TRY(const auto view, read_kernel_view());
  for (const LinkDetails& link : view.links) {
    auto stranger = attachment_of(view, link);
    if (!stranger || entries_.contains(stranger->key)) continue;
    TRY_VOID(adopt(*std::move(stranger)));
  }
  return {};
}

Result<> KernelAttachments::adopt(Attachment stranger) {
  const bool taken =
      std::ranges::any_of(stranger.ips, [&](const Ip& ip) { return addresses_.is_held(ip); });
  if (stranger.ips.empty() || taken) {
    warn_(fmt::format("{} ({}) is in no book and its addresses are another's or none: removed",
                      stranger.host_link, to_string(stranger.key)));
    entries_[stranger.key] = {stranger, Stage::kLeaving};
    entries_[stranger.key].attachment.ips.clear();
    return {};
  }
  for (const Ip& ip : stranger.ips) addresses_.take(ip);
  TRY_VOID(book_.add(stranger, {}));
  warn_(fmt::format("{} ({}) was in no book: written into it", stranger.host_link,
                    to_string(stranger.key)));
  const AttachmentKey key = stranger.key;
  entries_[key] = {std::move(stranger), Stage::kHeld};
  return {};
}

void KernelAttachments::set_options(std::vector<Cidr> pod_cidrs, std::uint32_t mtu) {
  const Lock lock(mutex_);
  if (options_.pod_cidrs == pod_cidrs && options_.mtu == mtu) return;
  options_.pod_cidrs = std::move(pod_cidrs);
  options_.mtu = mtu;
  // Without it the next agent waits for the API before it connects pods.
  if (const auto kept = book_.set_settings({options_.pod_cidrs, mtu, options_.kind}); !kept)
    warn_("the ranges of pods cannot be written: " + kept.error().doing);
}

Outcome<Netns> KernelAttachments::open_pod(const Fd& netns) const {
  if (!netns) return refuse(Refusal::kInvalidNetns, "the pod's network namespace is not there");
  auto pod = Netns::of(netns);
  if (!pod) return refuse(Refusal::kInvalidNetns, pod.error().doing);
  if (pod->cookie() == home_.cookie())
    return refuse(Refusal::kInvalidNetns, "the network namespace is the node's own");
  return *std::move(pod);
}

/// Of the same key, or of the same interface of the same namespace.
bool KernelAttachments::stands_in_the_way(const Entry& entry, const AttachmentRequest& request,
                                          std::uint64_t cookie) const {
  const Attachment& other = entry.attachment;
  return other.key == request.key ||
         (other.key.interface == request.key.interface && other.netns_cookie == cookie);
}

/// Waits for whoever adds it, and finishes the removal of what leaves. A runtime that was told
/// nothing, since an agent died, tries again: what that one left of a link is removed, too.
Outcome<> KernelAttachments::make_room(const AttachmentRequest& request, std::uint64_t cookie) {
  bool leaves = false;
  {
    Lock lock(mutex_);
    const auto in_the_way = [&] {
      return std::ranges::find_if(entries_, [&](const auto& item) {
        return stands_in_the_way(item.second, request, cookie);
      });
    };
    settled_.wait(lock, [&] {
      const auto found = in_the_way();
      return found == entries_.end() || found->second.stage != Stage::kAdding;
    });
    const auto found = in_the_way();
    if (found == entries_.end()) return {};
    leaves = found->second.stage == Stage::kLeaving;
    const Attachment& other = found->second.attachment;
    if (!leaves && other.netns_cookie == cookie)
      return refuse(Refusal::kExists,
                    fmt::format("{} has been added already", to_string(other.key)));
    if (!leaves) found->second.stage = Stage::kLeaving;
  }
  if (const auto done = finish_removals(); !done)
    return refuse(Refusal::kKernel, done.error().doing);
  return {};
}

Outcome<Attachment> KernelAttachments::reserve(const AttachmentRequest& request,
                                               std::uint64_t cookie) {
  if (auto room = make_room(request, cookie); !room) return tl::unexpected(room.error());
  const Lock lock(mutex_);
  if (entries_.contains(request.key))
    return refuse(Refusal::kExists,
                  fmt::format("{} is being added already", to_string(request.key)));
  auto grant = grant_addresses(addresses_, options_.pod_cidrs, request);
  if (!grant) return tl::unexpected(std::move(grant).error());
  Attachment attachment{.key = request.key,
                        .pod = request.pod,
                        .labels = request.labels,
                        .sandbox = request.sandbox,
                        .netns_cookie = cookie,
                        .ips = grant->ips,
                        .pod_mac = request.mac.value_or(pod_mac(request.key)),
                        .host_mac = kHostMac,
                        .host_link = host_link_name(request.key),
                        .mtu = options_.mtu,
                        .port_mappings = request.port_mappings,
                        .bandwidth = request.bandwidth,
                        .created = seconds_now()};
  if (const auto written = book_.add(attachment, grant->cursors); !written) {
    for (const Ip& ip : grant->ips) addresses_.release(ip, options_.pod_cidrs);
    return refuse(Refusal::kStorage, fmt::format("write {} into {}: {}", to_string(request.key),
                                                 options_.book, written.error().doing));
  }
  entries_[request.key] = {attachment, Stage::kAdding};
  return attachment;
}

Outcome<Attachment> KernelAttachments::add(const AttachmentRequest& request, const Fd& netns) {
  auto pod = open_pod(netns);
  if (!pod) return tl::unexpected(std::move(pod).error());
  auto attachment = reserve(request, pod->cookie());
  if (!attachment) return attachment;
  const auto made = make_links(*attachment, *pod);
  if (made) {
    const Lock lock(mutex_);
    entries_[request.key].stage = Stage::kHeld;
  } else {
    forget(request.key);
  }
  settled_.notify_all();
  if (!made) return tl::unexpected(made.error());
  return attachment;
}

/// Of an ADD that failed, with nothing left of it in the kernel.
void KernelAttachments::forget(const AttachmentKey& key) {
  const Lock lock(mutex_);
  if (const auto erased = erase({key}); !erased) {
    // What nobody holds is freed by the next repair.
    warn_(fmt::format("{}: {}", to_string(key), erased.error().doing));
    entries_[key].stage = Stage::kLeaving;
  }
}

/// With the mutex held, or before there are threads.
Result<> KernelAttachments::erase(const std::vector<AttachmentKey>& keys) {
  std::vector<FreedAddress> freed;
  Addresses after = addresses_;
  for (const AttachmentKey& key : keys)
    for (const Ip& ip : entries_[key].attachment.ips)
      if (const auto turn = after.release(ip, options_.pod_cidrs)) freed.emplace_back(ip, *turn);
  TRY_VOID(book_.erase(keys, freed));
  addresses_ = std::move(after);
  for (const AttachmentKey& key : keys) entries_.erase(key);
  return {};
}

/// Marks it as leaving. Nothing: there is none, or not the one that is meant.
std::optional<Attachment> KernelAttachments::let_go(const AttachmentKey& key,
                                                    const Attachment* only) {
  Lock lock(mutex_);
  settled_.wait(lock, [&] {
    const auto found = entries_.find(key);
    return found == entries_.end() || found->second.stage != Stage::kAdding;
  });
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.stage == Stage::kLeaving) return std::nullopt;
  if (only != nullptr && found->second.attachment != *only) return std::nullopt;
  found->second.stage = Stage::kLeaving;
  // Without the mark, after a SIGKILL: its namespace is gone by then, and it is freed for that.
  if (const auto marked = book_.set_leaving(key); !marked)
    warn_(fmt::format("{} leaves, which cannot be written: {}", to_string(key),
                      marked.error().doing));
  return found->second.attachment;
}

Outcome<std::optional<Attachment>> KernelAttachments::remove(const AttachmentKey& key) {
  auto attachment = let_go(key);
  if (!attachment) return std::optional<Attachment>();
  if (const auto silent = remove_host_side(*attachment); !silent)
    warn_(fmt::format("{}: {}", to_string(key), silent.error().doing));
  return attachment;
}

Outcome<Attachment> KernelAttachments::check(const AttachmentKey& key, const Fd& netns) {
  std::optional<Attachment> attachment;
  {
    const Lock lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end() && found->second.stage == Stage::kHeld)
      attachment = found->second.attachment;
  }
  if (!attachment)
    return refuse(Refusal::kUnknown, fmt::format("{} was never added", to_string(key)));
  auto pod = open_pod(netns);
  if (!pod) return tl::unexpected(std::move(pod).error());
  if (attachment->netns_cookie != 0 && attachment->netns_cookie != pod->cookie())
    return refuse(Refusal::kDiffers,
                  fmt::format("{} was added to another network namespace", to_string(key)));
  if (auto links = check_links(*attachment, *pod); !links) return tl::unexpected(links.error());
  return *std::move(attachment);
}

Outcome<std::vector<Attachment>> KernelAttachments::collect(const std::string& network,
                                                            std::span<const AttachmentKey> valid) {
  std::vector<Attachment> removed;
  for (const Attachment& attachment : all()) {
    if (attachment.key.network != network) continue;
    if (std::ranges::find(valid, attachment.key) != valid.end()) continue;
    auto gone = remove(attachment.key);
    if (!gone) return tl::unexpected(std::move(gone).error());
    if (*gone) removed.push_back(**std::move(gone));
  }
  return removed;
}

Outcome<> KernelAttachments::status() {
  const Lock lock(mutex_);
  return can_grant(addresses_, options_.pod_cidrs);
}

bool KernelAttachments::still_holds(const Attachment& attachment) const {
  const Lock lock(mutex_);
  const auto found = entries_.find(attachment.key);
  return found != entries_.end() && found->second.stage == Stage::kHeld &&
         found->second.attachment == attachment;
}

/// Its link is gone: made anew if its namespace lives, else nobody holds the attachment any more.
std::string KernelAttachments::remake(const Attachment& attachment) {
  const auto pod = open_sandbox(attachment);
  if (!pod) {
    if (let_go(attachment.key, &attachment))
      return fmt::format("{} is gone without a DEL: its addresses are free again",
                         to_string(attachment.key));
    return {};
  }
  const auto made = make_links(attachment, *pod);
  if (!still_holds(attachment)) {
    // It left meanwhile; its removal waits for us, and finds the link.
    return {};
  }
  if (!made) return fmt::format("cannot put a link right: {}", made.error().doing);
  return fmt::format("{} had lost its link, which was made anew", to_string(attachment.key));
}

Result<std::vector<std::string>> KernelAttachments::repair() {
  std::unique_lock removing(removing_);
  const auto held = all();
  TRY(const auto view, read_kernel_view());
  std::vector<std::string> done;
  bool somebody_left = false;
  for (const Attachment& attachment : held) {
    if (!view.has_link(attachment.host_link)) {
      if (auto line = remake(attachment); !line.empty()) done.push_back(std::move(line));
      somebody_left = true;
      continue;
    }
    const auto differed = restore_host_side(view, attachment);
    // It went since it was looked for: the next look finds it gone.
    if (!differed && differed.error().code == std::errc::no_such_device) continue;
    if (!differed) return tl::unexpected(differed.error());
    if (*differed)
      done.push_back(fmt::format("{}: routes, neighbours or settings of {} were put right",
                                 to_string(attachment.key), attachment.host_link));
  }
  removing.unlock();
  if (somebody_left) TRY_VOID(finish_removals());
  return done;
}

Result<> KernelAttachments::finish_removals() {
  const std::lock_guard removing(removing_);
  const auto leaving = at(Stage::kLeaving);
  if (leaving.empty()) return {};
  TRY_VOID(remove_links(leaving));
  std::vector<AttachmentKey> keys;
  for (const Attachment& attachment : leaving) keys.push_back(attachment.key);
  const Lock lock(mutex_);
  return erase(keys);
}

Result<> KernelAttachments::clean_up() {
  for (const Attachment& attachment : all()) let_go(attachment.key);
  return finish_removals();
}

}  // namespace

Result<std::unique_ptr<Attachments>> Attachments::open(AttachmentOptions options, Warn warn) {
  TRY(auto home, Netns::current());
  std::optional<std::string> damage;
  auto book = Book::open(options.book, damage);
  if (!book) return prefix("open the pods' book " + options.book, std::move(book).error());
  if (damage) warn(*damage);
  auto attachments = std::make_unique<KernelAttachments>(std::move(options), std::move(warn),
                                                         *std::move(book), std::move(home));
  TRY_VOID(attachments->start());
  return std::unique_ptr<Attachments>(std::move(attachments));
}

}  // namespace fairlead::podnet
