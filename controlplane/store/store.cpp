// open: entries into collections, history into rings. write: to storage and back as an event;
// apply() is the only place where a collection changes. list: a range of the map; at an older
// revision the ring's events are undone on a copy of that range.
#include "controlplane/store/store.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace fairlead::store {

namespace asio = boost::asio;
namespace json = boost::json;

Result<std::unique_ptr<Store>> Store::open(storage::Storage& storage,
                                           asio::any_io_executor executor, RingLimits limits) {
  std::unique_ptr<Store> store(new Store(storage, std::move(executor), limits));
  TRY_VOID(store->load());
  storage.watch([raw = store.get()](const storage::Event& event) { raw->apply(event); });
  return store;
}

Result<> Store::load() {
  TRY(storage::Contents contents, storage_.load());
  revision_ = contents.revision;
  compacted_ = contents.compacted;
  for (storage::Entry& entry : contents.entries) {
    TRY(ObjectPtr object, make_object(entry.key, entry.revision, *entry.value));
    collection(entry.key).objects.emplace(std::move(entry.key), std::move(object));
  }
  std::map<std::string, Revision> last;  // of each key, as far as the history tells
  for (const storage::Event& event : contents.history) {
    TRY_VOID(remember(event, std::exchange(last[event.key], event.revision)));
  }
  return {};
}

/// History goes to the ring only: the collections are as of its end already.
Result<> Store::remember(const storage::Event& event, Revision before_revision) {
  ObjectPtr before;
  if (event.previous) {
    TRY(before, make_object(event.key, before_revision, *event.previous));
  }
  TRY(Event made, to_event(event, std::move(before)));
  collection(event.key).ring.append(std::move(made), Ring::Clock::now());
  return {};
}

Result<Event> Store::to_event(const storage::Event& event, ObjectPtr before) const {
  const std::string& json = event.value ? *event.value : *event.previous;
  TRY(ObjectPtr object, make_object(event.key, event.revision, json));
  EventType type = EventType::kDeleted;
  if (event.value) type = event.previous ? EventType::kModified : EventType::kAdded;
  return Event{type, std::move(object), std::move(before)};
}

void Store::apply(const storage::Event& event) {
  Collection& into = collection(event.key);
  const auto found = into.objects.find(event.key);
  auto made = to_event(event, found == into.objects.end() ? nullptr : found->second);
  // What storage tells was serialised by write(): it cannot be malformed unless another program
  // writes there; the next start names the object then.
  if (!made) return;
  revision_ = event.revision;
  if (made->type == EventType::kDeleted) {
    into.objects.erase(event.key);
  } else {
    into.objects[event.key] = made->object;
  }
  into.ring.append(*made, Ring::Clock::now());
  for (const auto& tell : subscribers_) tell(*made);
  for (Watcher* watcher : into.watchers) watcher->wake_.cancel();
}

Store::Collection& Store::collection(std::string_view key) {
  const std::string_view name = collection_of(key);
  const auto found = collections_.find(name);
  if (found != collections_.end()) return found->second;
  Collection& made = collections_.try_emplace(std::string(name), limits_).first->second;
  made.ring.set_dropped(compacted_);
  return made;
}

const Store::Collection* Store::find_collection(std::string_view key) const {
  const auto found = collections_.find(collection_of(key));
  return found == collections_.end() ? nullptr : &found->second;
}

ObjectPtr Store::get(std::string_view key) const {
  const Collection* from = find_collection(key);
  if (from == nullptr) return nullptr;
  const auto found = from->objects.find(key);
  return found == from->objects.end() ? nullptr : found->second;
}

namespace {

using Objects = std::map<std::string, ObjectPtr, std::less<>>;

Page take_page(const Objects& objects, const ListRequest& request) {
  Page page;
  auto next = request.after.empty() ? objects.lower_bound(request.prefix)
                                    : objects.upper_bound(request.after);
  for (; next != objects.end() && next->first.starts_with(request.prefix); ++next) {
    if (request.limit != 0 && page.items.size() == request.limit) {
      // With a filter a further match is unknown; an empty last page is allowed then.
      page.more = true;
      ++page.remaining;
    } else if (!request.filter || request.filter(*next->second)) {
      page.items.push_back(next->second);
    }
  }
  return page;
}

}  // namespace

std::optional<Page> Store::list(const ListRequest& request) const {
  const Revision at = request.at.value_or(revision_);
  const Collection* from = find_collection(request.prefix);
  std::optional<Page> page;
  if (from == nullptr) {
    page.emplace();
  } else if (at < revision_) {
    page = list_at(*from, request);
  } else {
    page = take_page(from->objects, request);
  }
  if (page) page->revision = at;
  return page;
}

std::optional<Page> Store::list_at(const Collection& from, const ListRequest& request) {
  const Ring& ring = from.ring;
  if (*request.at < ring.dropped()) return std::nullopt;
  const std::uint64_t changed = ring.after(*request.at);
  if (changed == ring.end()) return take_page(from.objects, request);
  Objects then;
  auto next = from.objects.lower_bound(request.prefix);
  for (; next != from.objects.end() && next->first.starts_with(request.prefix); ++next) {
    then.insert(*next);
  }
  for (std::uint64_t number = ring.end(); number-- > changed;) {
    const Event& event = ring.at(number);
    if (event.before) {
      then[event.object->key] = event.before;
    } else {
      then.erase(event.object->key);
    }
  }
  return take_page(then, request);
}

std::vector<ObjectPtr> Store::all(const std::string& prefix) const {
  return list({.prefix = prefix})->items;
}

asio::awaitable<Result<ObjectPtr>> Store::write(std::string key, Revision expected,
                                                const json::object* object) {
  ObjectPtr last = object == nullptr ? get(key) : nullptr;
  std::vector<storage::Change> changes;
  storage::Bytes value;
  if (object != nullptr) value = std::make_shared<const std::string>(stored_bytes(*object));
  changes.push_back({key, expected, std::move(value)});
  const auto committed = co_await storage_.commit(std::move(changes));
  if (!committed) co_return prefix("write " + key, committed.error());
  if (committed->conflict) co_return ObjectPtr();
  if (object == nullptr) co_return last;
  // Another write may have followed in the same group: the answer is what this one made.
  const Collection& in = collection(key);
  const std::uint64_t number = in.ring.after(committed->revisions[0] - 1);
  if (number != in.ring.end()) co_return in.ring.at(number).object;
  co_return get(key);
}

void Store::expire(Ring::Clock::time_point now) {
  Revision keep_from = revision_ + 1;
  for (auto& [name, each] : collections_) {
    each.ring.expire(now);
    if (each.ring.first() != each.ring.end()) {
      keep_from = std::min(keep_from, each.ring.at(each.ring.first()).revision());
    }
  }
  if (keep_from > 1) storage_.compact(keep_from - 1);
}

std::vector<Store::CollectionSize> Store::sizes() const {
  std::vector<CollectionSize> sizes;
  for (const auto& [name, each] : collections_) {
    sizes.push_back({name, each.objects.size(), each.watchers.size()});
  }
  return sizes;
}

Watcher::Watcher(Store& store, std::string_view collection, Revision from)
    : store_(store),
      collection_(store.collection(collection)),
      wake_(store.executor_),
      next_(collection_.ring.after(from)),
      from_(from),
      behind_(from < collection_.ring.dropped()) {
  collection_.watchers.insert(this);
}

Watcher::~Watcher() { collection_.watchers.erase(this); }

const Event* Watcher::next() {
  // A watch may start at a revision that is still to come: what happens until then is not for it.
  while (next_ < collection_.ring.end() && collection_.ring.at(next_).revision() <= from_) ++next_;
  return next_ < collection_.ring.end() ? &collection_.ring.at(next_++) : nullptr;
}

asio::awaitable<void> Watcher::wait_until(Ring::Clock::time_point deadline) {
  wake_.expires_at(deadline);
  co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace fairlead::store
