// LIST: pages -> objects one by one -> sink; after the last page, and only then, what was not among
// them is gone.
//
// The first list may come from the server's cache (resourceVersion=0), a later one must not be
// older than what we have seen, and where that cannot be had, the latest state is read. Pages are
// of use only where the server cuts them: with a version other than 0 or "" a page would be bound
// to exactly that version and expire with it, so none are asked for.
#include <boost/asio/this_coro.hpp>
#include <boost/url.hpp>

#include "controlplane-client/object_meta.hpp"
#include "controlplane-client/reflector.hpp"

namespace fairlead::client {
namespace {

namespace json = boost::json;

constexpr std::string_view kPageSize = "500";
// From so many on, losing more than half of them at once is believed only from the server's latest
// state: a cache that has just been started could be nearly empty.
constexpr std::size_t kManyVanish = 10;

Error protocol_error(std::string doing) {
  return Error{std::make_error_code(std::errc::protocol_error), std::move(doing)};
}

}  // namespace

struct Reflector::ListReader final : JsonStreamSink {
  explicit ListReader(Reflector& of) : reflector(of) {}

  void begin_page() {
    kind.clear();
    page_version.clear();
    continue_token.clear();
  }

  void value(const json::value& object) override {
    if (version_only) return;
    auto name = object_name(object);
    if (!name) {
      nameless = true;
      reflector.sink_.unusable({}, name.error().doing);
      return;
    }
    reflector.remember(*name);
    reflector.sink_.upsert(*name, object);
  }

  void member(std::string_view key, const json::value& value) override {
    if (key == "kind" && value.is_string()) kind = value.get_string();
    if (key != "metadata") return;
    page_version = text_member(value, "resourceVersion");
    continue_token = text_member(value, "continue");
  }

  void oversized(const ObjectName& name, std::string_view why) override {
    if (version_only) return;
    nameless |= name.name.empty();
    if (!name.name.empty()) reflector.remember(name);
    reflector.sink_.unusable(name, why);
  }

  Reflector& reflector;
  std::string kind, page_version, continue_token;  // of the last page
  std::string version;  // of the first page: all of them show that moment
  bool version_only = false;
  bool nameless =
      false;  // an element could not be named, so it could be any of those that seem to be missing
};

Awaitable<Reflector::Outcome> Reflector::list() {
  must_list_ = true;  // until one is complete
  ++generation_;
  ListReader reader(*this);
  std::string continue_token;
  do {
    reader.begin_page();
    Outcome outcome = co_await list_page(reader, continue_token);
    if (outcome.error) co_return outcome;
    if (reader.version.empty()) reader.version = reader.page_version;
    if (!continue_token.empty() && reader.continue_token == continue_token) {
      outcome.error = protocol_error("list: the server gives the same page again and again");
      co_return outcome;
    }
    continue_token = reader.continue_token;
  } while (!continue_token.empty());
  co_return finish_list(reader);
}

Awaitable<Reflector::Outcome> Reflector::list_page(ListReader& reader, std::string continue_token) {
  Outcome outcome;
  auto answer = co_await get(list_query(continue_token));
  if (!answer) {
    outcome.error = prefix("list", std::move(answer).error()).value();
    co_return outcome;
  }
  status_.state = ResourceStatus::State::kListing;
  if (answer->head().status != 200) {
    // Pages that expire before they are fetched: this list is too long for them.
    if (answer->head().status == 410 && !continue_token.empty()) unpaged_ = true;
    outcome = co_await refused(std::move(*answer));
    outcome.error = prefix("list", std::move(*outcome.error)).value();
    co_return outcome;
  }
  auto read = co_await read_list(*answer, reader);
  if (!read) outcome.error = prefix("list", std::move(read).error()).value();
  co_return outcome;
}

Awaitable<Result<>> Reflector::read_list(Answer& answer, ListReader& reader) {
  JsonStream stream(JsonStream::Shape::kList, reader);
  const auto end = Clock::now() + timing_.whole_body;
  while (true) {
    auto piece = co_await answer.read(timing_.body);
    if (!piece) co_return tl::unexpected(std::move(piece).error());
    if (piece->empty()) break;
    contact();
    if (auto fed = stream.feed(*piece); !fed) co_return fed;
    if (Clock::now() >= end) {
      co_return tl::unexpected(
          Error{std::make_error_code(std::errc::timed_out), "read the answer: it takes too long"});
    }
  }
  if (auto finished = stream.finish(); !finished) co_return finished;
  if (!reader.kind.ends_with("List") || reader.page_version.empty()) {
    co_return tl::unexpected(protocol_error("the answer is no list with a resourceVersion"));
  }
  co_return Result<>{};
}

// A list of one object, of which only the version is looked at.
Awaitable<Reflector::Outcome> Reflector::ask_version() {
  Outcome outcome;
  auto answer = co_await get("resourceVersion=&limit=1");
  if (!answer) {
    outcome.error = prefix("ask for the version", std::move(answer).error()).value();
    co_return outcome;
  }
  if (answer->head().status != 200) co_return co_await refused(std::move(*answer));
  ListReader reader(*this);
  reader.version_only = true;
  if (auto read = co_await read_list(*answer, reader); !read) {
    outcome.error = prefix("ask for the version", std::move(read).error()).value();
    co_return outcome;
  }
  doubtful_ = false;
  if (went_back(reader.page_version)) outcome.next = Outcome::Next::kListLatest;
  co_return outcome;
}

Reflector::Outcome Reflector::finish_list(const ListReader& reader) {
  Outcome outcome;
  if (from_ != From::kLatest) {
    const auto vanished = static_cast<std::size_t>(
        std::count_if(known_.begin(), known_.end(),
                      [this](const auto& entry) { return entry.second != generation_; }));
    const bool doubtful = vanished >= kManyVanish && vanished > known_.size() / 2;
    if (doubtful || went_back(reader.version)) {
      outcome.next = Outcome::Next::kListLatest;
      return outcome;  // at once: nothing is wrong with the server's answering
    }
  }
  if (!reader.nameless) drop_vanished();
  resource_version_ = reader.version;
  from_ = From::kAtLeastLast;
  unpaged_ = must_list_ = doubtful_ = false;
  next_list_ = Clock::now() + backoff_.between(timing_.relist * 2 / 3, timing_.relist);
  ++status_.lists;
  status_.last_list = Clock::now();
  status_.synced = true;
  status_.objects = known_.size();
  status_.resource_version = resource_version_;
  if (!distrusted_) established();
  sink_.listed();
  return outcome;
}

void Reflector::drop_vanished() {
  for (auto entry = known_.begin(); entry != known_.end();) {
    if (entry->second == generation_) {
      ++entry;
      continue;
    }
    const auto vanished = known_.extract(entry++);
    sink_.gone(vanished.key());
  }
}

std::string Reflector::list_query(const std::string& continue_token) const {
  if (!continue_token.empty()) {
    return "limit=" + std::string(kPageSize) +
           "&continue=" + boost::urls::encode(continue_token, boost::urls::unreserved_chars);
  }
  if (from_ == From::kAtLeastLast) {
    return "resourceVersion=" +
           boost::urls::encode(resource_version_, boost::urls::unreserved_chars);
  }
  std::string query = from_ == From::kCache ? "resourceVersion=0" : "resourceVersion=";
  if (!unpaged_) query += "&limit=" + std::string(kPageSize);
  return query;
}

}  // namespace fairlead::client
