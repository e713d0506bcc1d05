// One loop: list what we registered, remove what has no container, put right what differs, add what
// is missing; then sleep until somebody comes or goes.
#include "agent/pod_registrar.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>

#include "agent/container_labels.hpp"
#include "controlplane-client/object_meta.hpp"

namespace fairlead {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
/// A runtime holds the container's lock while it calls CNI, and answers about it afterwards.
constexpr auto kLabelsLimit = 20s;

std::string pods_of(const std::string& ns) { return "/api/v1/namespaces/" + ns + "/pods"; }
std::string path_of(const ObjectName& name) { return pods_of(name.ns) + "/" + name.name; }
/// Only the one that was listed: its name may be another's by now.
std::string delete_options(const std::string& uid) {
  return json::serialize(json::object{{"apiVersion", "v1"},
                                      {"kind", "DeleteOptions"},
                                      {"gracePeriodSeconds", 0},
                                      {"preconditions", {{"uid", uid}}}});
}
Time wall_clock() {
  return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
}

}  // namespace

PodRegistrar::PodRegistrar(asio::io_context& io, PodRegistrarOptions options,
                           std::unique_ptr<client::ApiClient> api, log::Logger log)
    : options_(std::move(options)),
      api_(std::move(api)),
      log_(std::move(log)),
      io_(io),
      wake_(io),
      backoff_(client::Timing().backoff_first, client::Timing().backoff_limit,
               std::random_device{}()) {}

PodRegistrar::~PodRegistrar() { worker_.join(); }

void PodRegistrar::start() {
  const auto ended = [this](const std::exception_ptr& escaped) {
    // It ends by being cancelled. Whatever else escapes from it is for the loop's owner to see.
    if (escaped && !stopped_) std::rethrow_exception(escaped);
  };
  asio::co_spawn(io_, run(), asio::bind_cancellation_slot(cancel_.slot(), ended));
}

void PodRegistrar::wake() {
  woken_ = true;
  wake_.cancel();
}

void PodRegistrar::stop() {
  stopped_ = true;
  cancel_.emit(asio::cancellation_type::terminal);
}

asio::awaitable<void> PodRegistrar::run() {
  co_await asio::post(asio::use_awaitable);  // the caller of start() has its own to do first
  while (!stopped_) {
    woken_ = false;
    const bool done = co_await reconcile();
    if (done) backoff_.reset();
    if (done && woken_) continue;
    wake_.expires_after(done ? options_.period : backoff_.next());
    co_await wake_.async_wait(kAwait);
  }
}

void PodRegistrar::warn(const Error& error) {
  // Once for each new text: a retry that fails alike is no news.
  if (error.doing != last_error_)
    log_.warn("containers cannot be registered as Pods, will try again", {{"error", error}});
  last_error_ = error.doing;
}

/// A container has one Pod, whatever number of interfaces it has: the first stands for it.
PodRegistrar::Wanted PodRegistrar::wanted() const {
  Wanted wanted;
  std::set<std::string> containers;
  for (podnet::Attachment& attachment : options_.attachments())
    if (is_standalone(attachment) && containers.insert(attachment.key.container).second)
      wanted.emplace(to_string(attachment.key), std::move(attachment));
  return wanted;
}

asio::awaitable<Result<std::vector<RegisteredPod>>> PodRegistrar::list() {
  const auto answer =
      co_await api_->get("/api/v1/pods?fieldSelector=spec.nodeName%3D" + options_.node);
  if (!answer) co_return prefix("list Pods", answer.error());
  std::vector<RegisteredPod> pods;
  const json::value& items = client::member(*answer, "items");
  if (!items.is_array()) co_return invalid("list Pods: the answer is no list");
  for (const json::value& item : items.get_array())
    if (auto pod = read_registered_pod(item, options_.node)) pods.push_back(*std::move(pod));
  co_return pods;
}

PodRegistrar::Done PodRegistrar::reconcile() {
  const auto pods = co_await list();
  if (!pods) {
    warn(pods.error());
    co_return false;
  }
  // After the list: who came meanwhile is not in it, and who went is not in this.
  Wanted missing = wanted();
  forget_conflicts(missing);
  bool done = true;
  // First those that go: a new container may have the name of a former one.
  for (const RegisteredPod& pod : *pods) {
    const auto found = missing.find(pod.attachment);
    if (found != missing.end() && registered_name(found->second) == pod.name) {
      if (!is_up_to_date(pod, found->second))
        done = co_await write_status(pod.name, found->second) && done;
      missing.erase(found);
    } else {
      done = co_await remove(pod) && done;
    }
  }
  for (const auto& [key, attachment] : missing) done = co_await add(attachment) && done;
  if (done) last_error_.clear();
  co_return done;
}

PodRegistrar::Done PodRegistrar::write_status(ObjectName name,
                                              const podnet::Attachment& attachment) {
  json::value status = make_registered_status(attachment, wall_clock());
  const auto written = co_await api_->patch(path_of(name) + "/status",
                                            "application/merge-patch+json", std::move(status));
  if (!written) warn(Error{written.error().code, to_string(name) + ": " + written.error().doing});
  co_return written.has_value();
}

PodRegistrar::Done PodRegistrar::add(const podnet::Attachment& attachment) {
  const ObjectName name = registered_name(attachment);
  const auto labels = co_await labels_of(attachment);
  if (!labels) {
    warn(Error{labels.error().code, to_string(name) + ": labels: " + labels.error().doing});
    co_return false;
  }
  json::value pod = make_registered_pod(attachment, *labels, options_.node);
  const auto created = co_await api_->post(pods_of(name.ns), std::move(pod));
  if (!created && client::is_status(created.error(), 409)) {
    conflict(attachment);
    co_return false;
  }
  if (!created) {
    warn(Error{created.error().code, to_string(name) + ": " + created.error().doing});
    co_return false;
  }
  if (const auto solved = conflicts_.extract(to_string(attachment.key)))
    options_.solved(solved.mapped());
  log_.info("container registered as a Pod",
            {{"pod", to_string(name)}, {"attachment", to_string(attachment.key)}});
  co_return co_await write_status(name, attachment);
}

PodRegistrar::Done PodRegistrar::remove(const RegisteredPod& pod) {
  client::HttpRequest request;
  request.method = "DELETE";
  request.target = path_of(pod.name);
  request.content_type = "application/json";
  request.body = delete_options(pod.uid);
  auto answer = co_await api_->send(std::move(request));
  std::optional<Error> error;
  if (!answer) {
    error = answer.error();
  } else if (const unsigned status = answer->head().status; status / 100 != 2 && status != 404) {
    error = co_await answer->error();
  }
  if (error) warn(Error{error->code, "delete " + to_string(pod.name) + ": " + error->doing});
  if (!error) log_.info("container's Pod deleted", {{"pod", to_string(pod.name)}});
  co_return !error;
}

asio::awaitable<Result<ContainerLabels>> PodRegistrar::labels_of(
    const podnet::Attachment& attachment) {
  if (!attachment.labels.empty() || options_.labels_command.empty()) co_return attachment.labels;
  auto ask = [](PodRegistrar& self,
                std::string container) -> asio::awaitable<Result<ContainerLabels>> {
    co_return read_container_labels(self.options_.labels_command, container, kLabelsLimit,
                                    self.stopped_);
  };
  auto asked = ask(*this, attachment.key.container);
  auto labels = co_await asio::co_spawn(worker_, std::move(asked), asio::use_awaitable);
  if (labels || labels.error().code == std::errc::timed_out) co_return labels;
  // Another runtime's container: it is reachable all the same, by its own address.
  log_.warn("a container is registered without labels",
            {{"container", attachment.key.container}, {"error", labels.error()}});
  co_return ContainerLabels();
}

void PodRegistrar::conflict(const podnet::Attachment& attachment) {
  const std::string object = "Pod " + to_string(registered_name(attachment));
  if (!conflicts_.emplace(to_string(attachment.key), object).second) return;
  options_.problem({object, "metadata.name",
                    "is somebody else's, so the container " + attachment.key.container + " of " +
                        options_.node + " cannot be registered"});
}

void PodRegistrar::forget_conflicts(const Wanted& wanted) {
  std::erase_if(conflicts_, [&](const auto& conflict) {
    if (wanted.contains(conflict.first)) return false;
    options_.solved(conflict.second);
    return true;
  });
}

}  // namespace fairlead
