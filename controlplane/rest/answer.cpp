// Handlers answer compact JSON; finish() looks once at each answer on its way out.
#include "controlplane/rest/answer.hpp"

#include "http/gzip.hpp"
#include "http/query.hpp"

namespace fairlead::rest {
namespace {

namespace json = boost::json;

constexpr std::size_t kGzipFrom = 128 * 1024;  // kube-apiserver's threshold

bool wants_pretty(const http::Request& request) {
  const auto query = http::Query::parse(request.query);
  if (query && query->get("pretty")) return query->is_true("pretty");
  const std::string_view agent = request.header("User-Agent");
  return agent.starts_with("curl") || agent.starts_with("Wget") || agent.starts_with("Mozilla/5.0");
}

void append_pretty(std::string& out, const json::value& value, std::size_t depth) {
  const std::string indent(2 * (depth + 1), ' ');
  const bool is_list = value.is_array();
  const bool is_empty =
      is_list ? value.get_array().empty() : !value.is_object() || value.get_object().empty();
  if ((!is_list && !value.is_object()) || is_empty) {
    out += json::serialize(value);
    return;
  }
  std::string_view separator = is_list ? "[\n" : "{\n";
  if (is_list) {
    for (const json::value& item : value.get_array()) {
      out.append(separator).append(indent);
      append_pretty(out, item, depth + 1);
      separator = ",\n";
    }
  } else {
    for (const auto& [key, member] : value.get_object()) {
      out.append(separator).append(indent).append(json::serialize(json::string(key))).append(": ");
      append_pretty(out, member, depth + 1);
      separator = ",\n";
    }
  }
  out.append("\n").append(2 * depth, ' ').append(is_list ? "]" : "}");
}

}  // namespace

http::Response json_answer(unsigned status, std::string body) {
  http::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

http::Response json_answer(unsigned status, const json::object& body) {
  return json_answer(status, json::serialize(body));
}

http::Response text_answer(unsigned status, std::string_view body) {
  http::Response response;
  response.status = status;
  response.body = body;
  return response;
}

http::Response refusal(const api::StatusError& error) {
  return json_answer(static_cast<unsigned>(error.code), api::status_body(error));
}

void add_warnings(http::Response& response, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    response.headers.emplace_back("Warning", "299 - " + json::serialize(json::string(warning)));
  }
}

void finish(const http::Request& request, http::Response& response) {
  if (response.stream) return;
  if (response.content_type == "application/json" && wants_pretty(request)) {
    json::error_code error;
    const json::value value = json::parse(response.body, error);
    if (!error) response.body = pretty_json(value) + "\n";
  }
  if (response.body.size() > kGzipFrom && http::accepts_gzip(request.header("Accept-Encoding"))) {
    response.body = http::gzip(response.body);
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.headers.emplace_back("Vary", "Accept-Encoding");
  }
}

std::string pretty_json(const json::value& value) {
  std::string out;
  append_pretty(out, value, 0);
  return out;
}

}  // namespace fairlead::rest
