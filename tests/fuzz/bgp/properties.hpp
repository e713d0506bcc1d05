// What must hold of any input. A fuzz target turns its bytes into messages and calls check_message;
// what does not hold aborts, with the input kept by libFuzzer.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "dataplane/bgp/decode.hpp"
#include "dataplane/bgp/encode.hpp"
#include "dataplane/bgp/framer.hpp"

namespace fairlead::bgp::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

/// The form of a session out of one byte of input.
inline Negotiated negotiated_from(std::uint8_t byte) {
  return {.internal = (byte & 1) != 0,
          .four_octet_as = (byte & 2) != 0,
          .ipv4_over_ipv6 = (byte & 4) != 0,
          .families = {.ipv4 = (byte & 8) == 0, .ipv6 = (byte & 16) == 0}};
}

/// A whole message around `body`, cut to what fits.
inline Bytes framed(MessageType type, ByteView body) {
  body = body.first(std::min(body.size(), kMaximumMessageSize - kHeaderSize));
  const std::size_t size = kHeaderSize + body.size();
  Bytes message(16, 0xff);
  message.push_back(static_cast<std::uint8_t>(size >> 8));
  message.push_back(static_cast<std::uint8_t>(size & 0xff));
  message.push_back(static_cast<std::uint8_t>(type));
  message.insert(message.end(), body.begin(), body.end());
  return message;
}

/// What a session would have learnt, however it was packed.
struct Learnt {
  PerFamily<std::vector<Prefix>> withdrawn;
  std::vector<Announcement> announced;
  std::optional<Family> end_of_rib;
  bool operator==(const Learnt&) const = default;
};

inline void learn(const Update& update, Learnt& learnt) {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    auto& all = learnt.withdrawn[family];
    all.insert(all.end(), update.withdrawn[family].begin(), update.withdrawn[family].end());
  }
  for (const auto& announcement : update.announced) {
    require(!announcement.prefixes.empty(), "an announcement has prefixes");
    auto* last = learnt.announced.empty() ? nullptr : &learnt.announced.back();
    if (last != nullptr && last->family == announcement.family &&
        last->attributes == announcement.attributes) {
      require(hash_of(last->attributes) == hash_of(announcement.attributes), "equal, equal hash");
      last->prefixes.insert(last->prefixes.end(), announcement.prefixes.begin(),
                            announcement.prefixes.end());
    } else {
      learnt.announced.push_back(announcement);
    }
  }
  if (update.end_of_rib) learnt.end_of_rib = update.end_of_rib;
}

/// Takes `stream` apart again; what we encoded ourselves has no fault.
inline std::vector<Message> decode_own(ByteView stream, const Negotiated& negotiated) {
  std::vector<Message> messages;
  Framer framer;
  framer.feed(stream);
  while (true) {
    const auto next = framer.next();
    require(next.has_value(), "our own framing is right");
    if (!*next) break;
    auto message = decode(**next, negotiated);
    require(message.has_value(), "what we encode decodes");
    messages.push_back(*std::move(message));
  }
  require(framer.pending() == 0, "we encode whole messages");
  return messages;
}

inline void check_prefixes(const Update& update) {
  const auto check = [](const std::vector<Prefix>& prefixes, Family family) {
    for (const Prefix& prefix : prefixes) {
      require(prefix.family() == family, "a prefix is of its family");
      require(prefix.length <= (family == Family::kIpv4 ? 32 : 128), "a length that can be");
      require(prefix.contains(prefix.base), "a prefix holds its base");
    }
  };
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    check(update.withdrawn[family], family);
    for (const auto& announcement : update.announced)
      if (announcement.family == family) check(announcement.prefixes, family);
  }
}

inline void check(const Update& update, const Negotiated& negotiated, std::size_t size) {
  check_prefixes(update);
  Learnt before;
  learn(update, before);
  Bytes bytes;
  if (!encode(update, negotiated, bytes)) {
    // Ours may be a few bytes longer than the peer's: its MP_REACH_NLRI can have a short header.
    require(size > kMaximumMessageSize - 64, "what was received can be sent");
    return;
  }
  Learnt after;
  for (const Message& message : decode_own(bytes, negotiated)) {
    require(std::get<Update>(message).problems.empty(), "what we encode has no problems");
    learn(std::get<Update>(message), after);
  }
  require(before == after, "what decodes and is encoded decodes to the same");
}

template <class Kind>
void check_same(Kind value, const Negotiated& negotiated) {
  Bytes bytes;
  encode(value, bytes);
  const auto messages = decode_own(bytes, negotiated);
  require(messages.size() == 1, "one message is one message");
  require(std::get<Kind>(messages[0]) == value, "what decodes and is encoded decodes to the same");
}

inline void check_message(const Message& message, const Negotiated& negotiated, std::size_t size) {
  if (const auto* update = std::get_if<Update>(&message)) return check(*update, negotiated, size);
  if (const auto* notification = std::get_if<Notification>(&message)) {
    describe(*notification);
    if (const auto text = shutdown_text(*notification))
      require(text->size() <= 255 && shutdown_text(cease_notification(2, *text)) == text, "a text");
    if (const auto reason = hard_reset_reason(*notification))
      require(hard_reset(*reason) == *notification, "a hard reset keeps its reason");
    return check_same(*notification, negotiated);
  }
  if (const auto* open = std::get_if<Open>(&message)) {
    Open known = *open;
    known.capabilities.unknown.clear();
    return check_same(known, negotiated);
  }
  if (const auto* refresh = std::get_if<RouteRefresh>(&message)) {
    if (refresh->family) check_same(*refresh, negotiated);
    return;
  }
  check_same(std::get<Keepalive>(message), negotiated);
}

/// One input for a target of one type: a byte for the session, then the message's body.
inline int check_body(MessageType type, const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto negotiated = negotiated_from(data[0]);
  const Bytes message = framed(type, ByteView(data, size).subspan(1));
  const auto decoded = decode(message, negotiated);
  if (decoded)
    check_message(*decoded, negotiated, message.size());
  else
    check_same(decoded.error(), negotiated);
  return 0;
}

}  // namespace fairlead::bgp::fuzz
