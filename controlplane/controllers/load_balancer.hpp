// Gives Services of type LoadBalancer addresses of AddressPools: status.loadBalancer.ingress.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controlplane/addresses/address_book.hpp"
#include "controlplane/controllers/event_writer.hpp"
#include "controlplane/controllers/work_queue.hpp"
#include "controlplane/registry/registry.hpp"
#include "log/log.hpp"
#include "model/object.hpp"

namespace fairlead::controllers {

class LoadBalancerController {
 public:
  /// Takes note of every address that a Service has, then looks at each of them once. The
  /// references must outlive the controller.
  LoadBalancerController(registry::Registry& registry, log::Logger log,
                         const boost::asio::any_io_executor& executor);

  /// Until cancelled.
  boost::asio::awaitable<void> run();

 private:
  /// What may wait in the queue: a Service, a pool (without namespace) whose numbers have changed.
  using Task = ObjectName;

  void see(const store::Event& event);
  void see_service(const store::Event& event);
  void see_pool(const store::Event& event);
  void adopt_services();
  void set_pool(const store::Object& object);
  void touch(ObjectName service);
  void follow_up();
  boost::asio::awaitable<void> work(Task task);
  boost::asio::awaitable<void> reconcile(ObjectName name);
  boost::asio::awaitable<bool> write_addresses(boost::json::object service, std::vector<Ip> ips);
  boost::asio::awaitable<void> report(boost::json::object service,
                                      std::optional<addresses::Refusal> refusal);
  boost::asio::awaitable<void> write_use(std::string pool);

  registry::Registry& registry_;
  log::Logger log_;
  EventWriter events_;
  addresses::AddressBook book_;
  std::map<ObjectName, addresses::Refusal> refused_;  // what was said of it; it may be tried again
  WorkQueue<Task> queue_;
};

}  // namespace fairlead::controllers
