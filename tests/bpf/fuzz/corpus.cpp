// A right packet, and what can be wrong with it.
#include "tests/bpf/fuzz/corpus.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fairlead::test {
namespace {

constexpr std::size_t kEthernet = 14;

std::uint8_t low(int value) { return static_cast<std::uint8_t>(value); }
std::vector<std::uint8_t> two_bytes(int value) { return {low(value >> 8), low(value)}; }

class Corpus {
 public:
  explicit Corpus(const Packet& packet)
      : packet_(packet),
        base_(bytes_of(packet)),
        is_v4_(packet.from.ip.is_v4()),
        transport_(kEthernet + (is_v4_ ? 20 : 40)) {}

  void add(const std::string& name, Frame frame) {
    shapes.push_back({fmt::format("{} {} {}", is_v4_ ? "IPv4" : "IPv6",
                                  fairlead::to_string(packet_.protocol), name),
                      std::move(frame)});
  }
  /// The base with some bytes replaced.
  void patch(const std::string& name, std::size_t at, const std::vector<std::uint8_t>& bytes) {
    Frame frame = base_;
    for (std::size_t i = 0; i < bytes.size() && at + i < frame.size(); ++i)
      frame[at + i] = bytes[i];
    add(name, std::move(frame));
  }

  void lengths() {
    for (std::size_t length = kEthernet; length <= base_.size(); ++length)
      add(fmt::format("cut to {} bytes", length),
          Frame(base_.begin(), base_.begin() + static_cast<std::ptrdiff_t>(length)));
    for (const std::size_t padding : {1U, 18U, 500U, 1400U}) {
      Frame frame = base_;
      frame.resize(frame.size() + padding, 0xa5);
      add(fmt::format("padded by {}", padding), std::move(frame));
    }
    const std::size_t at = kEthernet + (is_v4_ ? 2 : 4);
    for (const int lie : {0, 1, 8, 19, 20, 21, 28, 39, 40, 60, 1500, 65535})
      patch(fmt::format("says it is {} long", lie), at, two_bytes(lie));
    if (packet_.protocol == Protocol::kUdp)
      for (const int lie : {0, 7, 8, 9, 65535})
        patch(fmt::format("UDP says it is {} long", lie), transport_ + 4, two_bytes(lie));
  }

  void ip_header() {
    for (std::uint8_t version = 0; version < 16; ++version)
      patch(fmt::format("version {}", version), kEthernet,
            {static_cast<std::uint8_t>(version << 4 | (is_v4_ ? 5 : 0))});
    if (is_v4_) {
      for (std::uint8_t words = 0; words < 16; ++words)
        patch(fmt::format("header of {} words", words), kEthernet,
              {static_cast<std::uint8_t>(0x40 | words)});
      patch("bad header checksum", kEthernet + 10, {0xde, 0xad});
      for (const int fragment : {0x2000, 0x2001, 0x0001, 0x1fff, 0x3fff, 0x8000, 0xffff})
        patch(fmt::format("fragment {:#x}", fragment), kEthernet + 6, two_bytes(fragment));
    }
    for (const int hops : {0, 1, 2, 255})
      patch(fmt::format("{} hops", hops), kEthernet + (is_v4_ ? 8 : 7), {low(hops)});
    for (const int protocol :
         {0, 1, 2, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 132, 135, 255})
      patch(fmt::format("protocol {}", protocol), kEthernet + (is_v4_ ? 9 : 6), {low(protocol)});
  }

  void options() {
    if (!is_v4_) return;
    for (std::uint8_t words = 1; words <= 10; ++words)
      for (const int kind : {0, 1, 7, 68, 131, 137, 255}) {
        const std::vector<std::uint8_t> option(words * 4U, low(kind));
        Frame frame = base_;
        frame.insert(frame.begin() + kEthernet + 20, option.begin(), option.end());
        frame[kEthernet] = static_cast<std::uint8_t>(0x45 + words);
        const std::size_t total = frame.size() - kEthernet;
        frame[kEthernet + 2] = static_cast<std::uint8_t>(total >> 8);
        frame[kEthernet + 3] = static_cast<std::uint8_t>(total);
        add(fmt::format("{} words of option {}", words, kind), std::move(frame));
      }
  }

  /// One to three extension headers in every order, whole and with a length that lies.
  void extension_headers() {
    if (is_v4_) return;
    static constexpr std::array<std::uint8_t, 6> kKinds{0, 43, 44, 51, 60, 135};
    const auto next = static_cast<std::uint8_t>(packet_.protocol);
    const auto chain = [&](const std::vector<std::uint8_t>& kinds, int length,
                           const std::string& name) {
      Frame headers;
      for (std::size_t i = 0; i < kinds.size(); ++i) {
        const std::uint8_t after = i + 1 < kinds.size() ? kinds[i + 1] : next;
        const Frame header{after, kinds[i] == 44 ? std::uint8_t{0} : low(length), 0, 0, 0, 0, 0, 9};
        headers.insert(headers.end(), header.begin(), header.end());
      }
      Frame frame = base_;
      frame.insert(frame.begin() + kEthernet + 40, headers.begin(), headers.end());
      frame[kEthernet + 6] = kinds[0];
      frame[kEthernet + 5] = static_cast<std::uint8_t>(frame[kEthernet + 5] + headers.size());
      add(name, std::move(frame));
    };
    for (const std::uint8_t a : kKinds)
      for (const int length : {0, 1, 255}) {
        chain({a}, length, fmt::format("header {} of length {}", a, length));
        for (const std::uint8_t b : kKinds)
          chain({a, b}, length, fmt::format("headers {} {}", a, b));
      }
    for (const std::uint8_t a : kKinds)
      for (const std::uint8_t b : kKinds)
        for (const std::uint8_t c : kKinds)
          chain({a, b, c}, 0, fmt::format("headers {} {} {}", a, b, c));
    for (const std::size_t count : {5U, 6U, 7U, 8U, 16U})
      chain(std::vector<std::uint8_t>(count, 60), 0, fmt::format("{} headers", count));
  }

  void transport() {
    if (packet_.protocol == Protocol::kTcp) {
      for (int flags = 0; flags < 256; ++flags)
        patch(fmt::format("flags {:#x}", flags), transport_ + 13,
              {static_cast<std::uint8_t>(flags)});
      for (int words = 0; words < 16; ++words)
        patch(fmt::format("TCP header of {} words", words), transport_ + 12,
              {static_cast<std::uint8_t>(words << 4)});
      patch("bad checksum", transport_ + 16, {0xde, 0xad});
      patch("checksum 0", transport_ + 16, {0, 0});
    } else {
      patch("bad checksum", transport_ + 6, {0xde, 0xad});
      patch("checksum 0", transport_ + 6, {0, 0});
      patch("checksum ffff", transport_ + 6, {0xff, 0xff});
    }
    patch("port 0 to port 0", transport_, {0, 0, 0, 0});
  }

  void ethernet() {
    for (const int type :
         {0x0000, 0x05dc, 0x0800, 0x0806, 0x8100, 0x86dd, 0x8847, 0x8864, 0x88a8, 0xffff})
      patch(fmt::format("type {:#x}", type), 12, two_bytes(type));
    for (const std::size_t tags : {1U, 2U, 3U}) {
      Frame frame = base_;
      for (std::size_t i = 0; i < tags; ++i) {
        static constexpr std::array<std::uint8_t, 4> kTag{0x81, 0, 0, 5};
        frame.insert(frame.begin() + 12, kTag.begin(), kTag.end());
      }
      add(fmt::format("{} VLAN tags", tags), std::move(frame));
    }
    patch("to everybody", 0, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  }

  /// Errors about the packets of a flow, the packet within cut off at every byte.
  void icmp(const Packet& forwarded) {
    const Frame about = bytes_of(forwarded);
    for (std::size_t length = 0; length <= about.size() - kEthernet; ++length) {
      IcmpError error{.from_mac = kOtherMac,
                      .to_mac = kEth0Mac,
                      .from = forwarded.to.ip,
                      .to = forwarded.from.ip,
                      .type = static_cast<std::uint8_t>(is_v4_ ? 3 : 1),
                      .quote = quote_of(about, length)};
      add(fmt::format("error with {} bytes within", length), bytes_of(error));
    }
    for (int type = 0; type < 256; ++type)
      add(fmt::format("ICMP type {}", type),
          bytes_of(IcmpError{.from_mac = kOtherMac,
                             .to_mac = kEth0Mac,
                             .from = forwarded.to.ip,
                             .to = forwarded.from.ip,
                             .type = static_cast<std::uint8_t>(type),
                             .quote = quote_of(about)}));
  }

  std::vector<Shape> shapes;

 private:
  Packet packet_;
  Frame base_;
  bool is_v4_;
  std::size_t transport_;
};

}  // namespace

std::vector<Shape> odd_shapes(const Packet& to_frontend, const Packet& forwarded) {
  Corpus corpus(to_frontend);
  corpus.lengths();
  corpus.ip_header();
  corpus.options();
  corpus.extension_headers();
  corpus.transport();
  corpus.ethernet();
  corpus.icmp(forwarded);
  return std::move(corpus.shapes);
}

}  // namespace fairlead::test
