// Containers without a kubelet as Pods in the API, so that Services find them. What is there is
// compared with what should be, each time: whoever was ended in between, or could not reach the
// API, goes on where things stand.
//
//   Attachments (no UID of a kubelet) --+
//                                       +--> create, status, delete --> API
//   Pods of this node that we annotated +
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/registered_pod.hpp"
#include "controlplane-client/api_client.hpp"
#include "controlplane-client/backoff.hpp"
#include "log/log.hpp"
#include "model/plan.hpp"

namespace fairlead {

struct PodRegistrarOptions {
  std::string node;
  std::vector<std::string> labels_command;   // empty: CNI's labels alone
  std::chrono::milliseconds period{60'000};  // compared so often when nothing happens
  /// Those that the node has now.
  std::function<std::vector<podnet::Attachment>()> attachments;
  /// Told of a Pod that has the name of a container here and is another's, and when that is over.
  std::function<void(const Problem&)> problem;
  std::function<void(const std::string& object)> solved;
};

class PodRegistrar {
 public:
  PodRegistrar(boost::asio::io_context& io, PodRegistrarOptions options,
               std::unique_ptr<client::ApiClient> api, log::Logger log);
  ~PodRegistrar();  // after stop(), and after the io_context has run out of work
  PodRegistrar(PodRegistrar&&) = delete;

  void start();
  /// Attachments came or went.
  void wake();
  /// What was registered stays: its containers run on.
  void stop();

 private:
  using Done = boost::asio::awaitable<bool>;                 // false: to be tried again
  using Wanted = std::map<std::string, podnet::Attachment>;  // by key

  boost::asio::awaitable<void> run();
  Done reconcile();
  [[nodiscard]] Wanted wanted() const;
  boost::asio::awaitable<Result<std::vector<RegisteredPod>>> list();
  Done write_status(ObjectName name, const podnet::Attachment& attachment);
  Done add(const podnet::Attachment& attachment);
  Done remove(const RegisteredPod& pod);
  boost::asio::awaitable<Result<ContainerLabels>> labels_of(const podnet::Attachment& attachment);
  void conflict(const podnet::Attachment& attachment);
  void forget_conflicts(const Wanted& wanted);
  void warn(const Error& error);

  PodRegistrarOptions options_;
  std::unique_ptr<client::ApiClient> api_;
  log::Logger log_;
  boost::asio::io_context& io_;
  boost::asio::steady_timer wake_;
  boost::asio::cancellation_signal cancel_;
  client::Backoff backoff_;
  std::map<std::string, std::string> conflicts_;  // attachment -> object
  std::string last_error_;
  bool woken_ = false;
  std::atomic<bool> stopped_ = false;
  boost::asio::thread_pool worker_{1};
};

}  // namespace fairlead
