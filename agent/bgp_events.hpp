// What the API server says of address pools and of BGP's objects -> whoever asked for it. Nothing
// is decided here.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "agent/problems.hpp"
#include "controlplane-client/bgp_watch.hpp"

namespace fairlead {

class BgpEvents final : public client::BgpSink {
 public:
  struct Parts {
    Problems& problems;
    // Each object that is new or changed; one that is gone.
    std::function<void(const AddressPool&)> pool = [](const AddressPool&) {};
    std::function<void(const std::string&)> pool_gone = [](const std::string&) {};
    std::function<void(const BgpPeer&)> peer = [](const BgpPeer&) {};
    std::function<void(const std::string&)> peer_gone = [](const std::string&) {};
    std::function<void(const BgpAdvertisement&)> advertisement = [](const BgpAdvertisement&) {};
    std::function<void(const std::string&)> advertisement_gone = [](const std::string&) {};
    /// All of one kind have been told once, or the server does not have the kind.
    std::function<void(client::BgpResource)> listed = [](client::BgpResource) {};
  };
  explicit BgpEvents(Parts parts) : parts_(std::move(parts)) {}

  void address_pool(AddressPool pool) override { parts_.pool(pool); }
  void address_pool_gone(const std::string& name) override { parts_.pool_gone(name); }
  void peer(BgpPeer peer) override { parts_.peer(peer); }
  void peer_gone(const std::string& name) override { parts_.peer_gone(name); }
  void advertisement(BgpAdvertisement advertisement) override {
    parts_.advertisement(advertisement);
  }
  void advertisement_gone(const std::string& name) override { parts_.advertisement_gone(name); }
  void synced(client::BgpResource resource) override { parts_.listed(resource); }
  void problem(const Problem& problem, client::Severity severity) override {
    parts_.problems.add(problem, severity);
  }
  void problem_gone(const std::string& object) override { parts_.problems.remove(object); }

 private:
  Parts parts_;
};

}  // namespace fairlead
