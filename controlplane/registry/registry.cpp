// create: namespace is there -> prepare -> write if absent. update and patch: read -> change ->
// prepare -> write if unchanged since -> else again. remove: read -> mark or remove likewise. What
// prepare reserved (addresses, ports) is kept only when the write is durable; every early return
// gives it back.
#include "controlplane/registry/registry.hpp"

#include "controlplane/api/patch.hpp"

namespace fairlead::registry {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// Each attempt that fails means that somebody else's write succeeded.
constexpr int kWriteAttempts = 16;
constexpr int kNameAttempts = 8;

/// Without these nothing works any more.
bool is_immortal(const api::ResourceType& type, std::string_view name) {
  if (type.kind != "Namespace") return false;
  return name == "default" || name == "kube-system" || name == "kube-public";
}

bool has_generated_name(const json::object& object) {
  const json::value* metadata = object.if_contains("metadata");
  if (metadata == nullptr || !metadata->is_object()) return false;
  const json::value* name = metadata->get_object().if_contains("name");
  return name == nullptr || !name->is_string() || name->get_string().empty();
}

std::string name_in(const json::object& object) {
  return std::string(object.at("metadata").at("name").as_string());
}

Written written_of(json::object object, bool created = false) {
  return {std::move(object), created};
}
Deleted deleted_of(json::object object, bool removed) { return {std::move(object), removed}; }

tl::unexpected<api::StatusError> storage_failed(const Error& error) {
  return tl::unexpected(api::internal_error(error.doing));
}

}  // namespace

std::string key_of(const api::ResourceType& type, std::string_view ns, std::string_view name) {
  return prefix_of(type, ns).append(name);
}

std::string prefix_of(const api::ResourceType& type, std::string_view ns) {
  std::string prefix(type.stored_as);
  prefix += '/';
  if (type.namespaced && !ns.empty()) prefix.append(ns).append("/");
  return prefix;
}

json::object shown(const api::ResourceType& type, const store::Object& object) {
  return api::from_stored(type, object.parse());
}

Registry::Registry(store::Store& store, api::Allocators allocators, std::uint64_t seed, Clock now)
    : store_(store), allocators_(std::move(allocators)), random_(seed), now_(std::move(now)) {}

std::vector<Problem> Registry::adopt_stored() {
  std::vector<Problem> problems;
  for (const api::ResourceType& type : api::resources()) {
    for (const store::ObjectPtr& object : store_.all(prefix_of(type, ""))) {
      for (Problem& problem : api::adopt(type, shown(type, *object), allocators_)) {
        problems.push_back(std::move(problem));
      }
    }
  }
  return problems;
}

api::ApiResult<void> Registry::check_namespace(const Target& target) const {
  if (!target.type->namespaced) return {};
  const store::ObjectPtr ns = store_.get("namespaces/" + target.ns);
  if (!ns) return tl::unexpected(api::not_found(*api::find_kind("", "v1", "Namespace"), target.ns));
  if (ns->metadata("deletionTimestamp").empty()) return {};
  return tl::unexpected(api::forbidden(*target.type, target.name,
                                       "unable to create new content in namespace " + target.ns +
                                           " because it is being terminated"));
}

asio::awaitable<api::ApiResult<Written>> Registry::create(Target target, json::object object,
                                                          bool dry_run) {
  const api::ResourceType& type = *target.type;
  if (auto bound = api::bind_to_request(type, object, target.ns, target.name); !bound) {
    co_return tl::unexpected(std::move(bound).error());
  }
  const bool generated = has_generated_name(object);
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    auto prepared = api::prepare_create(type, object, context(dry_run));
    if (!prepared) co_return tl::unexpected(std::move(prepared).error());
    target.name = name_in(prepared->object);
    if (auto allowed = check_namespace(target); !allowed) {
      co_return tl::unexpected(std::move(allowed).error());
    }
    const std::string key = key_of(type, target.ns, target.name);
    store::ObjectPtr made;
    if (!store_.get(key)) {
      if (dry_run) co_return written_of(std::move(prepared->object), true);
      const json::object stored = api::to_stored(type, prepared->object);
      auto written = co_await store_.write(key, 0, &stored);
      if (!written) co_return storage_failed(written.error());
      made = *written;
    }
    if (made) {
      prepared->reservation.commit();
      co_return written_of(shown(type, *made), true);
    }
    if (!generated) break;
  }
  co_return tl::unexpected(api::already_exists(type, target.name));
}

asio::awaitable<api::ApiResult<Written>> Registry::update(Target target, json::object object,
                                                          bool dry_run) {
  if (target.type->create_on_update && target.subresource.empty() &&
      !store_.get(key_of(*target.type, target.ns, target.name))) {
    co_return co_await create(std::move(target), std::move(object), dry_run);
  }
  Change change = [&object](const json::object&) { return api::ApiResult<json::object>(object); };
  co_return co_await modify(std::move(target), std::move(change), dry_run);
}

asio::awaitable<api::ApiResult<Written>> Registry::patch(Target target, Patch patch, bool dry_run,
                                                         std::vector<std::string>& warnings) {
  const api::ResourceType& type = *target.type;
  Change change = [&](const json::object& old) {
    warnings.clear();  // of an attempt that lost
    return api::apply_patch(type, old, patch.content_type, patch.body, patch.validation, warnings);
  };
  co_return co_await modify(std::move(target), std::move(change), dry_run);
}

asio::awaitable<api::ApiResult<Written>> Registry::modify(Target target, Change change,
                                                          bool dry_run) {
  const api::ResourceType& type = *target.type;
  const std::string key = key_of(type, target.ns, target.name);
  for (int attempt = 0; attempt < kWriteAttempts; ++attempt) {
    const store::ObjectPtr old = store_.get(key);
    if (!old) co_return tl::unexpected(api::not_found(type, target.name));
    const json::object before = shown(type, *old);
    auto wanted = change(before);
    if (!wanted) co_return tl::unexpected(std::move(wanted).error());
    if (auto bound = api::bind_to_request(type, *wanted, target.ns, target.name); !bound) {
      co_return tl::unexpected(std::move(bound).error());
    }
    auto prepared =
        api::prepare_update(type, before, *std::move(wanted), target.subresource, context(dry_run));
    if (!prepared) co_return tl::unexpected(std::move(prepared).error());
    if (prepared->unchanged) co_return written_of(before);
    if (dry_run) co_return written_of(std::move(prepared->object));
    const json::object stored = api::to_stored(type, prepared->object);
    auto written = co_await store_.write(key, old->revision, prepared->remove ? nullptr : &stored);
    if (!written) co_return storage_failed(written.error());
    if (!*written) continue;
    if (prepared->remove) {
      api::release(type, before, allocators_);
      co_return written_of(std::move(prepared->object));
    }
    prepared->reservation.commit();
    co_return written_of(shown(type, **written));
  }
  co_return tl::unexpected(api::conflict(type, target.name));
}

asio::awaitable<api::ApiResult<Deleted>> Registry::remove(Target target) {
  api::DeleteOptions options;
  co_return co_await remove(std::move(target), std::move(options));
}

asio::awaitable<api::ApiResult<Deleted>> Registry::remove(Target target,
                                                          api::DeleteOptions options) {
  const api::ResourceType& type = *target.type;
  const std::string key = key_of(type, target.ns, target.name);
  if (is_immortal(type, target.name)) {
    co_return tl::unexpected(
        api::forbidden(type, target.name, "this namespace may not be deleted"));
  }
  for (int attempt = 0; attempt < kWriteAttempts; ++attempt) {
    const store::ObjectPtr old = store_.get(key);
    if (!old) co_return tl::unexpected(api::not_found(type, target.name));
    const json::object before = shown(type, *old);
    auto deletion = api::prepare_delete(type, before, options, now_());
    if (!deletion) co_return tl::unexpected(std::move(deletion).error());
    if (deletion->unchanged || options.dry_run) {
      co_return deleted_of(std::move(deletion->object), deletion->remove);
    }
    const json::object stored = api::to_stored(type, deletion->object);
    auto written = co_await store_.write(key, old->revision, deletion->remove ? nullptr : &stored);
    if (!written) co_return storage_failed(written.error());
    if (!*written) continue;
    if (deletion->remove) {
      api::release(type, before, allocators_);
      co_return deleted_of(std::move(deletion->object), true);
    }
    co_return deleted_of(shown(type, **written), false);
  }
  co_return tl::unexpected(api::conflict(type, target.name));
}

}  // namespace fairlead::registry
