// A table of changes, by layer from below. Offsets count from the frame's beginning.
#include "tests/bpf/packets/odd_shapes.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace fairlead::test {
namespace {

constexpr std::size_t kIp = 14;
constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kAuthentication = 51,
                       kDestination = 60, kMobility = 135;

std::uint8_t high(std::size_t value) { return static_cast<std::uint8_t>(value >> 8); }
std::uint8_t low(std::size_t value) { return static_cast<std::uint8_t>(value); }

std::size_t word_at(const Frame& frame, std::size_t at) {
  return static_cast<std::size_t>(frame[at]) << 8 | frame[at + 1];
}
void set_word(Frame& frame, std::size_t at, std::size_t value) {
  frame[at] = high(value);
  frame[at + 1] = low(value);
}
/// In one's complement, as a checksum's error goes through a translation.
void add_to_word(Frame& frame, std::size_t at, std::size_t value) {
  const std::size_t sum = word_at(frame, at) + value;
  set_word(frame, at, (sum & 0xffff) + (sum >> 16));
}
void insert(Frame& frame, std::size_t at, const Frame& bytes) {
  frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin(), bytes.end());
}

void sum_ipv4_header(Frame& frame) {
  const std::size_t length = (frame[kIp] & 15U) * 4;
  set_word(frame, kIp + 10, 0);
  std::size_t sum = 0;
  for (std::size_t i = 0; i < length; i += 2) sum += word_at(frame, kIp + i);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  set_word(frame, kIp + 10, ~sum & 0xffff);
}

struct Layout {
  bool is_v4, is_tcp;
  std::size_t l4;       // where the transport header begins
  std::size_t headers;  // of IP and transport
  std::size_t whole;    // the IP packet

  explicit Layout(const Plain& plain)
      : is_v4(plain.family == Family::kIpv4),
        is_tcp(plain.protocol == Protocol::kTcp),
        l4(kIp + (is_v4 ? 20 : 40)),
        headers(l4 - kIp + (is_tcp ? 20 : 8)),
        whole(headers + plain.payload) {}

  void set_length(Frame& frame, std::size_t length) const {
    if (is_v4) {
      set_word(frame, kIp + 2, length);
      sum_ipv4_header(frame);
    } else {
      set_word(frame, kIp + 4, length - 40);
    }
  }
  void set_next(Frame& frame, std::uint8_t protocol) const {
    frame[kIp + (is_v4 ? 9 : 6)] = protocol;
    if (is_v4) sum_ipv4_header(frame);
  }
};

class Shapes {
 public:
  explicit Shapes(const Plain& plain) : at_(plain) {}

  template <class Change>  // void(Frame&)
  void add(std::string name, Expected expected, Change change) {
    shapes.push_back({std::move(name), expected, [change](const Frame& plain) {
                        Frame frame = plain;
                        change(frame);
                        return frame;
                      }});
  }
  static Expected translated_if(bool yes) {
    return yes ? Expected::kTranslated : Expected::kUntouched;
  }

  void ethernet() {
    for (const std::size_t type : {0x0000, 0x05dc, 0x0806, 0x8847, 0x8864, 0x88cc, 0xffff})
      add(fmt::format("type {:#06x}", type), Expected::kUntouched,
          [=](Frame& frame) { set_word(frame, 12, type); });
    for (const std::size_t tag : {0x8100, 0x88a8})
      for (std::size_t count = 1; count <= 3; ++count)
        add(fmt::format("{} tags {:#06x}", count, tag), Expected::kUntouched, [=](Frame& frame) {
          for (std::size_t i = 0; i < count; ++i) insert(frame, 12, {high(tag), low(tag), 0, 5});
        });
  }

  void lengths() {
    for (const std::size_t padding : {1U, 6U, 18U, 100U, 1400U})
      add(fmt::format("padded by {}", padding), Expected::kTranslated,
          [=](Frame& frame) { frame.resize(frame.size() + padding, 0xa5); });
    // Cut off by the wire: the IP header says more.
    for (std::size_t length = (at_.is_v4 ? 20 : 40); length < at_.whole; ++length)
      add(fmt::format("cut to {} bytes", length), translated_if(length >= at_.headers),
          [=](Frame& frame) { frame.resize(kIp + length); });
    // The IP header says less, and the rest is padding.
    for (std::size_t length = at_.is_v4 ? 0 : 40; length <= at_.whole; ++length)
      add(fmt::format("says it is {} long", length), translated_if(length >= at_.headers),
          [=, at = at_](Frame& frame) { at.set_length(frame, length); });
    add("says it is longer", Expected::kTranslated,
        [=, at = at_](Frame& frame) { at.set_length(frame, at.whole + 7); });
  }

  void ip_header() {
    for (std::uint8_t version = 0; version < 16; ++version)
      if (version != (at_.is_v4 ? 4 : 6))
        add(fmt::format("version {}", version), Expected::kUntouched, [=](Frame& frame) {
          frame[kIp] = static_cast<std::uint8_t>((frame[kIp] & 15U) | version << 4U);
        });
    for (const int protocol : {1, 2, 4, 41, 47, 50, 51, 58, 59, 103, 132, 135, 253, 255})
      add(fmt::format("protocol {}", protocol), Expected::kUntouched, [=, at = at_](Frame& frame) {
        at.set_next(frame, low(static_cast<std::size_t>(protocol)));
      });
    if (at_.is_v4)
      ipv4_header();
    else
      add("traffic class and flow label", Expected::kTranslated, [](Frame& frame) {
        frame[kIp] = 0x6b;
        frame[kIp + 1] = 0x85;
        set_word(frame, kIp + 2, 0xabcd);
      });
  }

  void hops(bool count) {
    for (const std::size_t hops : {0U, 1U, 2U, 255U}) {
      const bool last = count && hops <= 1;
      shapes.push_back(
          {fmt::format("{} hops", hops), translated_if(!last), [=, at = at_](const Frame& plain) {
             Frame frame = plain;
             const std::size_t field = kIp + (at.is_v4 ? 8 : 7);
             // By as much as the plain one's: what was taken off is taken off.
             frame[field] = low(hops + frame[field] - 64);
             if (at.is_v4) sum_ipv4_header(frame);
             return frame;
           }});
    }
  }

  void extension_headers() {
    if (at_.is_v4) return;
    const auto chain = [this](const std::string& name, Expected expected,
                              std::vector<std::uint8_t> kinds, std::uint8_t length = 0,
                              std::uint8_t segments = 0) {
      add(name, expected, [=](Frame& frame) {
        Frame headers;
        for (std::size_t i = 0; i < kinds.size(); ++i) {
          const std::uint8_t next = i + 1 < kinds.size() ? kinds[i + 1] : frame[kIp + 6];
          // What the fourth byte is depends on the kind; of options it is padding's length.
          const std::uint8_t fourth = kinds[i] == kRouting ? segments : std::uint8_t{4};
          const bool fragment = kinds[i] == kFragment;
          Frame header{next,
                       fragment ? std::uint8_t{0} : length,
                       std::uint8_t{!fragment},
                       fragment ? std::uint8_t{0} : fourth,
                       0,
                       0,
                       0,
                       9};
          if (!fragment && length < 8) header.resize(8U + length * 8U);
          headers.insert(headers.end(), header.begin(), header.end());
        }
        set_word(frame, kIp + 4, word_at(frame, kIp + 4) + headers.size());
        frame[kIp + 6] = kinds[0];
        insert(frame, kIp + 40, headers);
      });
    };
    constexpr std::array kKnown{kHopByHop, kRouting, kFragment, kDestination};
    for (const auto a : kKnown) {
      chain(fmt::format("header {}", a), Expected::kTranslated, {a});
      chain(fmt::format("header {} that is 16 long", a), Expected::kTranslated, {a}, 1);
      if (a != kFragment)
        chain(fmt::format("header {} beyond the end", a), Expected::kUntouched, {a}, 255);
      for (const auto b : kKnown) {
        chain(fmt::format("headers {} {}", a, b), Expected::kTranslated, {a, b});
        for (const auto c : kKnown)
          chain(fmt::format("headers {} {} {}", a, b, c), Expected::kTranslated, {a, b, c});
      }
      for (const auto other : {kAuthentication, kMobility, std::uint8_t{59}})
        chain(fmt::format("headers {} {}", a, other), Expected::kUntouched, {a, other});
    }
    chain("a route with segments left", Expected::kUntouched, {kRouting}, 0, 1);
    for (std::size_t count = 4; count <= 9; ++count)
      chain(fmt::format("{} headers", count), translated_if(count <= 6),
            std::vector<std::uint8_t>(count, kDestination));
  }

  void transport() {
    const std::size_t checksum = at_.l4 + (at_.is_tcp ? 16 : 6);
    add("wrong checksum", Expected::kTranslated,
        [=](Frame& frame) { add_to_word(frame, checksum, 0x1234); });
    add("port 0 to port 0", Expected::kUntouched, [l4 = at_.l4](Frame& frame) {
      set_word(frame, l4, 0);
      set_word(frame, l4 + 2, 0);
    });
    add("from port 0", Expected::kUntouched, [=, at = at_](Frame& frame) {
      // To a port of nobody: a flow of its own would be a new one.
      set_word(frame, at.l4, 0);
      set_word(frame, at.l4 + 2, 4);
    });
    if (!at_.is_tcp) {
      add("without a checksum", Expected::kTranslated,
          [=](Frame& frame) { set_word(frame, checksum, 0); });
      for (const std::size_t lie : {0U, 7U, 8U, 9U, 1500U, 65535U})
        add(fmt::format("UDP says it is {} long", lie), Expected::kTranslated,
            [=, l4 = at_.l4](Frame& frame) { set_word(frame, l4 + 4, lie); });
      return;
    }
    for (std::uint8_t words = 0; words < 16; ++words)
      add(fmt::format("TCP header of {} words", words), Expected::kTranslated,
          [=, l4 = at_.l4](Frame& frame) {
            frame[l4 + 12] = static_cast<std::uint8_t>(words << 4U);
          });
    for (unsigned flags = 0; flags < 256; ++flags)
      add(fmt::format("TCP flags {:#04x}", flags), Expected::kTranslated,
          [=, l4 = at_.l4](Frame& frame) { frame[l4 + 13] = static_cast<std::uint8_t>(flags); });
    add("urgent pointer, reserved bits", Expected::kTranslated, [l4 = at_.l4](Frame& frame) {
      frame[l4 + 12] |= 0x0f;
      set_word(frame, l4 + 18, 0xffff);
    });
  }

  std::vector<OddShape> shapes;

 private:
  void ipv4_header() {
    for (std::uint8_t words = 0; words < 5; ++words)
      add(fmt::format("header of {} words", words), Expected::kUntouched,
          [=](Frame& frame) { frame[kIp] = static_cast<std::uint8_t>(0x40U | words); });
    for (std::uint8_t words = 1; words <= 10; ++words)
      for (const std::size_t kind : {0U, 1U, 7U, 68U, 131U, 137U, 148U, 255U})
        add(fmt::format("{} words of option {}", words, kind), Expected::kTranslated,
            [=](Frame& frame) {
              frame[kIp] = static_cast<std::uint8_t>(0x45U + words);
              set_word(frame, kIp + 2, word_at(frame, kIp + 2) + words * 4U);
              insert(frame, kIp + 20, Frame(words * 4U, low(kind)));
              sum_ipv4_header(frame);
            });
    add("options beyond the end", Expected::kUntouched, [](Frame& frame) {
      frame[kIp] = 0x4f;
      sum_ipv4_header(frame);
    });
    for (const std::size_t error : {0x0001U, 0x1234U, 0x8000U})
      add(fmt::format("header checksum wrong by {:#x}", error), Expected::kTranslated,
          [=](Frame& frame) { add_to_word(frame, kIp + 10, error); });
    for (const std::size_t bits : {0x0000U, 0x4000U, 0x8000U, 0xc000U})
      add(fmt::format("fragment bits {:#x}", bits), Expected::kTranslated, [=](Frame& frame) {
        set_word(frame, kIp + 6, bits);
        sum_ipv4_header(frame);
      });
    for (const std::size_t bits : {0x2000U, 0x6000U})  // the first of several
      add(fmt::format("fragment bits {:#x}", bits), Expected::kTranslated, [=](Frame& frame) {
        set_word(frame, kIp + 6, bits);
        sum_ipv4_header(frame);
      });
    add("type of service", Expected::kTranslated, [](Frame& frame) {
      frame[kIp + 1] = 0xff;
      sum_ipv4_header(frame);
    });
  }

  Layout at_;
};

}  // namespace

std::vector<OddShape> odd_shapes_of(const Plain& plain) {
  Shapes shapes(plain);
  if (plain.has_mac) shapes.ethernet();
  shapes.lengths();
  shapes.ip_header();
  shapes.hops(plain.is_forwarded);
  shapes.extension_headers();
  shapes.transport();
  return std::move(shapes.shapes);
}

}  // namespace fairlead::test
