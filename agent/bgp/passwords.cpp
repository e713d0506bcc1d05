// names -> GET each -> data, base64 -> values; again each period, and at once for a new name
#include "agent/bgp/passwords.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "controlplane-client/files.hpp"
#include "controlplane-client/object_meta.hpp"

namespace fairlead::bgp {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// A value that is not base64 is left out, and its name with it.
std::map<SecretKey, std::string> values_of(const ObjectName& name, const json::value& secret) {
  std::map<SecretKey, std::string> values;
  const json::value& data = client::member(secret, "data");
  if (!data.is_object()) return values;
  for (const auto& [key, value] : data.get_object())
    if (value.is_string())
      if (auto decoded = client::decode_base64(std::string_view(value.get_string())); decoded)
        values.emplace(SecretKey{name, std::string(key)}, *std::move(decoded));
  return values;
}

}  // namespace

Passwords::Passwords(asio::io_context& io, std::unique_ptr<client::ApiClient> api,
                     std::chrono::milliseconds period, std::function<void()> changed,
                     log::Logger log)
    : api_(std::move(api)),
      period_(period),
      changed_(std::move(changed)),
      log_(std::move(log)),
      timer_(io) {}

void Passwords::want(std::set<ObjectName> secrets) {
  if (secrets == wanted_) return;
  wanted_ = std::move(secrets);
  std::erase_if(answered_, [&](const ObjectName& name) { return !wanted_.contains(name); });
  std::erase_if(errors_, [&](const auto& entry) { return !wanted_.contains(entry.first); });
  std::erase_if(values_, [&](const auto& entry) { return !wanted_.contains(entry.first.secret); });
  timer_.cancel();
}

bool Passwords::is_complete() const { return answered_.size() == wanted_.size(); }

bool Passwords::replace(const ObjectName& name, std::map<SecretKey, std::string> values) {
  std::map<SecretKey, std::string> next;
  for (const auto& [key, value] : values_)
    if (key.secret != name) next.emplace(key, value);
  next.merge(values);
  if (next == values_) return false;
  values_ = std::move(next);
  return true;
}

/// True: something is other than before. What cannot be asked for keeps its value.
asio::awaitable<bool> Passwords::fetch(ObjectName name) {
  const auto secret = co_await api_->get("/api/v1/namespaces/" + name.ns + "/secrets/" + name.name);
  if (!wanted_.contains(name)) co_return false;
  const bool absent = !secret && client::is_status(secret.error(), 404);
  const bool refused = !secret && client::is_status(secret.error(), 403);
  std::string error = secret ? "" : secret.error().doing;
  if (!error.empty() && errors_[name] != error)
    log_.warn("a Secret with a BGP password cannot be read",
              {{"secret", name.ns + "/" + name.name}, {"error", error}});
  errors_[name] = std::move(error);
  if (!secret && !absent && !refused) co_return false;
  const bool first = answered_.insert(name).second;
  co_return replace(name, secret ? values_of(name, *secret) : std::map<SecretKey, std::string>{}) ||
      first;
}

asio::awaitable<void> Passwords::run() {
  constexpr std::chrono::milliseconds kRetry{2'000};
  while (!stopped_) {
    bool changed = false;
    const std::set<ObjectName> names = wanted_;
    for (const ObjectName& name : names) changed |= co_await fetch(name);
    if (stopped_) co_return;
    if (changed) changed_();
    if (names != wanted_) continue;
    timer_.expires_after(is_complete() ? period_ : kRetry);
    co_await timer_.async_wait(kAwait);
  }
}

void Passwords::stop() {
  stopped_ = true;
  timer_.cancel();
}

}  // namespace fairlead::bgp
