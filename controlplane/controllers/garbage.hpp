// Removes objects whose owners (metadata.ownerReferences) are all gone.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <set>
#include <string>

#include "controlplane/controllers/work_queue.hpp"
#include "controlplane/registry/registry.hpp"
#include "log/log.hpp"

namespace fairlead::controllers {

class GarbageCollector {
 public:
  /// Looks at every object that has an owner once. The references must outlive the collector.
  GarbageCollector(registry::Registry& registry, log::Logger log,
                   const boost::asio::any_io_executor& executor);

  /// Until cancelled.
  boost::asio::awaitable<void> run();

 private:
  void see(const store::Event& event);
  void add(const store::Object& object);
  void drop(const store::Object& object);
  [[nodiscard]] bool is_orphan(const store::Object& object) const;

  registry::Registry& registry_;
  log::Logger log_;
  std::set<std::string, std::less<>> uids_;                             // of all objects
  std::map<std::string, std::set<std::string>, std::less<>> owned_by_;  // owner's uid -> keys
  WorkQueue<std::string> queue_;                                        // keys
};

}  // namespace fairlead::controllers
