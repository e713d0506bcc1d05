// request -> credentials -> a kept connection or a new one -> header -> Answer (a body that is read
// in pieces)
#include "controlplane-client/api_client.hpp"

#include "controlplane-client/tls.hpp"

namespace fairlead::client {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostIdle = 4;
constexpr std::size_t kLargestAnswer = std::size_t{16} << 20;
constexpr std::size_t kLargestError = 65536;

class HttpCategory final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "http"; }
  [[nodiscard]] std::string message(int status) const override {
    return "HTTP status " + std::to_string(status);
  }
};

bool is_success(unsigned status) { return status >= 200 && status < 300; }

// A Status object's message, or the beginning of whatever else it is, in one line.
std::string error_text(const std::string& body) {
  boost::system::error_code failed;
  const json::value parsed = json::parse(body, failed);
  const json::value* message =
      !failed && parsed.is_object() ? parsed.get_object().if_contains("message") : nullptr;
  std::string text =
      message != nullptr && message->is_string() ? std::string(message->get_string()) : body;
  constexpr std::size_t kShown = 500;
  if (text.size() > kShown) text = text.substr(0, kShown) + "...";
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text;
}

}  // namespace

const std::error_category& http_category() {
  static const HttpCategory category;
  return category;
}

Answer::Answer(ApiClient& client, std::unique_ptr<Connection> connection, HttpHead head)
    : client_(&client), connection_(std::move(connection)), head_(std::move(head)) {}

Answer::~Answer() {
  if (connection_ && connection_->reusable() && client_->idle_.size() < kMostIdle) {
    client_->idle_.push_back(std::move(connection_));
  }
}

Awaitable<Result<std::string>> Answer::read_all(std::size_t most) {
  std::string text;
  while (true) {
    auto piece = co_await read(client_->timing_.body);
    if (!piece) co_return tl::unexpected(std::move(piece).error());
    if (piece->empty()) co_return text;
    text.append(*piece);
    if (text.size() > most)
      co_return invalid("the answer is larger than " + std::to_string(most) + " bytes");
  }
}

Awaitable<Error> Answer::error() {
  const int status = static_cast<int>(head_.status);
  Error error{std::error_code(status, http_category()), "HTTP status " + std::to_string(status)};
  const auto body = co_await read_all(kLargestError);
  if (body && !body->empty()) error.doing += ": " + error_text(*body);
  co_return error;
}

Result<std::unique_ptr<ApiClient>> ApiClient::create(const ClientConfig& config,
                                                     const Timing& timing, std::string user_agent) {
  auto address = parse_server(config.server);
  if (!address) return prefix(config.origin + ": server", std::move(address).error());
  TRY_VOID(check_plain_http(config));
  return std::make_unique<ApiClient>(config, *std::move(address), timing, std::move(user_agent));
}

ApiClient::ApiClient(ClientConfig config, ServerAddress address, const Timing& timing,
                     std::string user_agent)
    : config_(std::move(config)),
      address_(std::move(address)),
      timing_(timing),
      user_agent_(std::move(user_agent)),
      credentials_(config_, timing) {}

Error ApiClient::named(Error error) const {
  error.doing.insert(0, config_.server + ": ");
  return error;
}

Awaitable<Result<std::unique_ptr<Connection>>> ApiClient::connect() {
  auto tls = tls_options(config_, address_, credentials_.certificate(), credentials_.key());
  if (!tls) co_return tl::unexpected(std::move(tls).error());
  co_return co_await Connection::open(address_, *tls, timing_);
}

Awaitable<Result<ApiClient::Sent>> ApiClient::send_once(HttpRequest request) {
  auto authorization = co_await credentials_.authorization();
  if (!authorization) co_return tl::unexpected(std::move(authorization).error());
  request.authorization = *std::move(authorization);

  // A kept connection may have been closed meanwhile. Only a GET can be sent twice without doing
  // something twice.
  if (request.method == "GET" && !idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    auto head = co_await connection->exchange(request);
    if (head) co_return Sent{std::move(connection), *std::move(head)};
    idle_.clear();
  }
  auto connection = co_await connect();
  if (!connection) co_return tl::unexpected(std::move(connection).error());
  auto head = co_await (*connection)->exchange(request);
  if (!head) co_return tl::unexpected(std::move(head).error());
  co_return Sent{*std::move(connection), *std::move(head)};
}

Awaitable<Result<Answer>> ApiClient::send(HttpRequest request) {
  request.target.insert(0, address_.path);
  request.user_agent = user_agent_;
  auto sent = co_await send_once(request);
  if (sent && sent->head.status == 401) {
    credentials_.refused();
    idle_.clear();  // their handshakes may have shown a certificate that has had its day
    sent = co_await send_once(request);
  }
  if (!sent) co_return tl::unexpected(named(std::move(sent).error()));
  if (!sent->head.content_encoding.empty() && sent->head.content_encoding != "identity") {
    co_return tl::unexpected(named(Error{
        std::make_error_code(std::errc::protocol_error),
        "the answer is encoded as " + sent->head.content_encoding + ", which was not asked for"}));
  }
  co_return Answer(*this, std::move(sent->connection), std::move(sent->head));
}

Awaitable<Result<json::value>> ApiClient::call(HttpRequest request) {
  auto answer = co_await send(std::move(request));
  if (!answer) co_return tl::unexpected(std::move(answer).error());
  if (!is_success(answer->head().status)) {
    Error error = co_await answer->error();
    co_return tl::unexpected(named(std::move(error)));
  }
  auto text = co_await answer->read_all(kLargestAnswer);
  if (!text) co_return tl::unexpected(named(std::move(text).error()));
  boost::system::error_code failed;
  json::value body = json::parse(*text, failed);
  if (failed)
    co_return tl::unexpected(named(Error{failed, "the answer is not JSON: " + failed.message()}));
  co_return body;
}

Awaitable<Result<json::value>> ApiClient::get(std::string target) {
  HttpRequest request;
  request.target = std::move(target);
  co_return co_await call(std::move(request));
}

Awaitable<Result<json::value>> ApiClient::post(std::string target, json::value body) {
  HttpRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.content_type = "application/json";
  request.body = json::serialize(body);
  co_return co_await call(std::move(request));
}

Awaitable<Result<json::value>> ApiClient::patch(std::string target, std::string type,
                                                json::value body) {
  HttpRequest request;
  request.method = "PATCH";
  request.target = std::move(target);
  request.content_type = std::move(type);
  request.body = json::serialize(body);
  co_return co_await call(std::move(request));
}

}  // namespace fairlead::client
