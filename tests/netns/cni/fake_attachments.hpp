// The pod network in memory, which refuses as told.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "dataplane/podnet/attachments.hpp"

namespace fairlead::test {

class FakeAttachments : public podnet::Attachments {
 public:
  // What the tests set and look at, under the lock.
  struct Script {
    std::optional<podnet::Refusal> refusal = {};  // of every command
    bool throws = false;
    bool holds = false;  // calls wait until it is false again
  };
  void set(Script script) {
    const std::scoped_lock lock(mutex_);
    script_ = script;
    changed_.notify_all();
  }
  /// Calls that wait because the script holds them.
  [[nodiscard]] int waiting() const {
    const std::scoped_lock lock(mutex_);
    return waiting_;
  }
  [[nodiscard]] std::set<std::string> keys() const {
    std::set<std::string> found;
    for (const auto& attachment : all()) found.insert(to_string(attachment.key));
    return found;
  }
  /// As it was before the agent was started.
  void put(const podnet::Attachment& attachment) {
    const std::scoped_lock lock(mutex_);
    held_[attachment.key] = attachment;
  }
  [[nodiscard]] podnet::AttachmentRequest last_request() const {
    const std::scoped_lock lock(mutex_);
    return last_request_;
  }

  void set_options(std::vector<Cidr>, std::uint32_t) override {}
  podnet::Outcome<podnet::Attachment> add(const podnet::AttachmentRequest& request,
                                          const Fd& netns) override;
  podnet::Outcome<std::optional<podnet::Attachment>> remove(
      const podnet::AttachmentKey& key) override;
  podnet::Outcome<podnet::Attachment> check(const podnet::AttachmentKey& key,
                                            const Fd& netns) override;
  podnet::Outcome<std::vector<podnet::Attachment>> collect(
      const std::string& network, std::span<const podnet::AttachmentKey> valid) override;
  podnet::Outcome<> status() override;
  [[nodiscard]] std::vector<podnet::Attachment> all() const override;
  Result<std::vector<std::string>> repair() override { return std::vector<std::string>(); }
  Result<> finish_removals() override { return {}; }
  Result<> clean_up() override { return {}; }

 private:
  podnet::Outcome<> enter(std::unique_lock<std::mutex>& lock);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Script script_;
  int waiting_ = 0;
  std::uint8_t next_address_ = 5;
  std::map<podnet::AttachmentKey, podnet::Attachment> held_;
  podnet::AttachmentRequest last_request_;
};

}  // namespace fairlead::test
