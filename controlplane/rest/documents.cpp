// Path -> document from api/ -> kept -> 304 for those who have it already.
#include "controlplane/rest/documents.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <array>

#include "controlplane/api/openapi.hpp"
#include "controlplane/rest/answer.hpp"

namespace fairlead::rest {
namespace {

constexpr std::string_view kVersion2 = "/openapi/v2";
constexpr std::string_view kVersion3 = "/openapi/v3";
// Asked for with an @, which RFC 7231 allows in no media type and Go's parser refuses in an answer;
// so the answer has a dot there, as kube-apiserver's has.
constexpr std::string_view kVersion2Asked =
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
constexpr std::string_view kVersion2Type =
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

std::string etag_of(std::string_view body) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest.data());
  return fmt::format("\"{:02X}\"", fmt::join(digest, ""));
}

}  // namespace

const Documents::Document* Documents::find(std::string_view path) {
  if (const auto found = documents_.find(path); found != documents_.end()) return &found->second;
  Document made{.body = {}, .content_type = "application/json", .etag = {}};
  if (path == kVersion3) {
    made.body = api::openapi_v3_index();
  } else if (path == kVersion2) {
    made.body = api::openapi_v2_protobuf();
    made.content_type = kVersion2Type;
  } else if (path.starts_with(kVersion3)) {
    auto body = api::openapi_v3(path.substr(kVersion3.size() + 1));
    if (!body) return nullptr;
    made.body = *std::move(body);
  } else {
    return nullptr;
  }
  made.etag = etag_of(made.body);
  return &documents_.emplace(path, std::move(made)).first->second;
}

std::optional<http::Response> Documents::answer(const http::Request& request,
                                                std::string_view path) {
  const Document* document = find(path);
  if (document == nullptr) return std::nullopt;
  const std::string_view accept = request.header("Accept");
  const bool is_version_2 = document->content_type == kVersion2Type;
  if (is_version_2 && accept.find(kVersion2Asked) == accept.npos &&
      accept.find(kVersion2Type) == accept.npos) {
    return text_answer(406, "406: Not Acceptable\n");
  }
  http::Response response;
  response.content_type = document->content_type;
  response.headers.emplace_back("Etag", document->etag);
  response.headers.emplace_back("Vary", "Accept");
  if (request.header("If-None-Match") == document->etag) {
    response.status = 304;
  } else {
    response.body = document->body;
  }
  return response;
}

}  // namespace fairlead::rest
