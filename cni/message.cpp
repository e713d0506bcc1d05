// Both ends of the socket, in one file.
#include "cni/message.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "cni/fields.hpp"

namespace fairlead::cni {

namespace json = boost::json;

namespace {

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error) return invalid("message: " + error.message());
  if (!value.is_object()) return invalid("message: not an object");
  return std::move(value.get_object());
}

/// What the socket carries is not a configuration: the details are what is wrong.
Error as_error(Failure failure) {
  return {std::make_error_code(std::errc::invalid_argument),
          "message: " + std::move(failure.details)};
}

}  // namespace

std::string to_json(const Question& question) {
  json::object environment;
  for (const Variable& variable : kVariables) {
    const std::string& value = question.environment.*variable.value;
    if (!value.empty()) environment[variable.name] = value;
  }
  return json::serialize(
      json::object{{"environment", std::move(environment)}, {"config", question.config}});
}

Result<Question> parse_question(std::string_view text) {
  TRY(const json::object object, parse_object(text));
  const Fields fields(object, "");
  const auto environment = fields.object("environment").map_error(as_error);
  if (!environment) return tl::unexpected(environment.error());
  Question question;
  for (const Variable& variable : kVariables) {
    if (!*environment) break;
    TRY(const auto value, (*environment)->string(variable.name).map_error(as_error));
    question.environment.*variable.value = value.value_or("");
  }
  TRY(const auto config, fields.string("config").map_error(as_error));
  question.config = config.value_or("");
  return question;
}

std::string to_json(const Answer& answer) {
  return json::serialize(json::object{{"exit", answer.exit}, {"stdout", answer.output}});
}

Result<Answer> parse_answer(std::string_view text) {
  TRY(const json::object object, parse_object(text));
  const Fields fields(object, "");
  TRY(const auto exit, fields.number("exit").map_error(as_error));
  TRY(const auto output, fields.string("stdout").map_error(as_error));
  if (exit > 1 || !output) return invalid("message: not an answer");
  return Answer{static_cast<int>(exit), std::string(*output)};
}

}  // namespace fairlead::cni
