// Message -> object of one member -> line, and back by the member's name.
#include "dataplane/bgp/control/codec.hpp"

#include "dataplane/bgp/control/read_json.hpp"
#include "dataplane/bgp/control/write_json.hpp"

namespace fairlead::bgp::control {
namespace {

namespace json = boost::json;

template <class Message>
constexpr std::array<std::string_view, std::variant_size_v<Message>> kNames{};
template <>
constexpr std::array<std::string_view, 4> kNames<ToSpeaker>{"Settings", "NextHopState", "Ask",
                                                            "Leave"};
template <>
constexpr std::array<std::string_view, 4> kNames<FromSpeaker>{"RoutesChanged", "RestartOver",
                                                              "PeerStatus", "Answer"};

template <class Message>
std::string encode_message(const Message& message) {
  std::string line = "{\"" + std::string(kNames<Message>[message.index()]) + "\":";
  std::visit([&line](const auto& it) { JsonWriter{line}.write(it); }, message);
  return line += "}\n";
}

/// The alternative of `message` that is called `name`.
template <class Message, std::size_t index = 0>
Result<Message> decode_message(std::string_view name, const json::value& value) {
  if constexpr (index == std::variant_size_v<Message>) {
    return invalid("no message is called " + quoted(name));
  } else {
    if (name != kNames<Message>[index]) return decode_message<Message, index + 1>(name, value);
    std::variant_alternative_t<index, Message> message;
    if (auto done = JsonReader::read(value, message); !done)
      return within(std::string(name), std::move(done.error()));
    return Message(std::move(message));
  }
}

template <class Message>
Result<Message> decode_line(std::string_view line) {
  boost::system::error_code error;
  const json::value value = json::parse(line, error);
  if (error) return failure(error, "message is no JSON");
  if (!value.is_object() || value.get_object().size() != 1)
    return invalid("message is no object with one member");
  const auto& member = *value.get_object().begin();
  return decode_message<Message>(member.key(), member.value());
}

}  // namespace

std::string encode(const ToSpeaker& message) { return encode_message(message); }
std::string encode(const FromSpeaker& message) { return encode_message(message); }

Result<ToSpeaker> decode_to_speaker(std::string_view line) { return decode_line<ToSpeaker>(line); }
Result<FromSpeaker> decode_from_speaker(std::string_view line) {
  return decode_line<FromSpeaker>(line);
}

}  // namespace fairlead::bgp::control
