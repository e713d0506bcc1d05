// A name -> a reflector of the collection that has it alone -> Feed -> Gate -> SecretSink.
#include "controlplane-client/secret_watch.hpp"

#include <utility>

#include "controlplane-client/feed.hpp"
#include "controlplane-client/files.hpp"
#include "controlplane-client/watch_state.hpp"
#include "objects/metadata.hpp"

namespace fairlead::client {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

enum class SecretResource : std::uint8_t { kSecrets };
std::string_view to_string(SecretResource) { return "secrets"; }

struct Secret {
  ObjectName name;
  SecretData data;
};

/// Values that are no base64 are left out, with a Problem that does not show them.
Result<Decoded<Secret>> decode_secret(const json::value& object) {
  TRY(const auto metadata, decode_metadata(object, "Secret", Namespaced::kYes));
  Decoded<Secret> decoded{{metadata.name, {}}, {}};
  const auto* data = object.as_object().if_contains("data");
  if (data == nullptr || !data->is_object()) return decoded;
  for (const auto& [key, value] : data->get_object()) {
    auto bytes = value.is_string() ? decode_base64(value.get_string())
                                   : Result<std::string>(invalid("is no text"));
    if (bytes) {
      decoded.object.data.emplace(key, *std::move(bytes));
    } else {
      decoded.problems.push_back({describe("Secret", metadata.name),
                                  "data[" + std::string(key) + ']', bytes.error().doing});
    }
  }
  return decoded;
}

struct SecretOptions : SecretWatchOptions {
  ObjectName name;
};

// Between the reflector of one Secret and the sink, which hears of no other.
class Gate {
 public:
  Gate(ObjectName name, SecretSink& sink) : name_(std::move(name)), sink_(&sink) {}
  void shut() { sink_ = nullptr; }

  void give(const Secret& secret) {
    if (secret.name == name_) say(secret.data);
  }
  void gone(const ObjectName& name) {
    if (name == name_) say(std::nullopt);
  }
  void synced(SecretResource) {
    if (!is_known_) say(std::nullopt);
  }
  void problem(const Problem& problem, Severity severity) {
    if (sink_ != nullptr)
      sink_->problem({about(problem.object), problem.field, problem.message}, severity);
  }
  void problem_gone(const std::string& object) {
    if (sink_ != nullptr) sink_->problem_gone(about(object));
  }

 private:
  /// What concerns the connection is said of each Secret's by itself.
  [[nodiscard]] std::string about(const std::string& object) const {
    const std::string own = describe("Secret", name_);
    return object == own ? own : object + ' ' + to_string(name_);
  }
  void say(std::optional<SecretData> data) {
    if (std::exchange(is_known_, true) && data == said_) return;
    said_ = std::move(data);
    if (sink_ != nullptr) sink_->secret(name_, said_);
  }

  const ObjectName name_;
  SecretSink* sink_;
  bool is_known_ = false;
  std::optional<SecretData> said_;
};

struct SecretTraits {
  using Sink = Gate;
  static constexpr SecretResource kResource = SecretResource::kSecrets;
  static constexpr std::string_view kKind = "Secret";
  static Result<Decoded<Secret>> decode(const json::value& object) { return decode_secret(object); }
  static void give(Gate& gate, const Secret& secret) { gate.give(secret); }
  static void gone(Gate& gate, const ObjectName& name) { gate.gone(name); }
};

Collection collection_of(const ObjectName& name) {
  Collection collection = collection_at("/api/v1/namespaces/" + name.ns + "/secrets");
  collection.field_selector = "metadata.name=" + name.name;
  return collection;
}

struct Running {
  static constexpr std::size_t kCount = 1;

  Running(std::unique_ptr<ApiClient> api, const SecretOptions& options, Gate& gate,
          std::array<ResourceStatus, kCount>& status)
      : client(std::move(api)),
        feed(gate, options.config.server, status[0]),
        reflector(*client, collection_of(options.name), options.timing, options.seed, feed,
                  status[0]) {}
  std::array<Reflector*, kCount> reflectors() { return {&reflector}; }

  std::unique_ptr<ApiClient> client;
  Feed<SecretTraits> feed;
  Reflector reflector;
};

}  // namespace

class SecretWatch::One : public WatchState<SecretOptions, Gate, Running> {
  using WatchState::WatchState;
};

SecretWatch::SecretWatch(asio::any_io_executor executor, SecretWatchOptions options,
                         SecretSink& sink)
    : executor_(std::move(executor)), options_(std::move(options)), sink_(sink) {}

SecretWatch::~SecretWatch() { stop(); }

void SecretWatch::watch(const std::set<ObjectName>& names) {
  if (stopped_) return;
  std::erase_if(watched_, [&](const auto& known) {
    const bool is_over = !names.contains(known.first);
    if (is_over) known.second->stop();
    return is_over;
  });
  for (const ObjectName& name : names) {
    const auto [one, is_new] = watched_.try_emplace(name);
    if (!is_new) continue;
    one->second =
        std::make_shared<One>(executor_, SecretOptions{options_, name}, Gate(name, sink_));
    one->second->start();
  }
}

void SecretWatch::stop() {
  stopped_ = true;
  for (const auto& [name, one] : watched_) one->stop();
}

bool SecretWatch::synced() const {
  return std::ranges::all_of(watched_, [](const auto& known) { return known.second->synced(); });
}

}  // namespace fairlead::client
