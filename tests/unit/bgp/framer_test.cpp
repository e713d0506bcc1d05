// Streams in pieces.
#include "dataplane/bgp/framer.hpp"

#include <gtest/gtest.h>

#include "tests/unit/bgp/wire.hpp"

namespace fairlead::bgp {
namespace {

using namespace wire;

Bytes keepalive() { return message(MessageType::kKeepalive, {}); }

std::vector<Bytes> take_all(Framer& framer) {
  std::vector<Bytes> messages;
  while (true) {
    const auto next = framer.next();
    EXPECT_TRUE(next);
    if (!next || !*next) return messages;
    messages.emplace_back((*next)->begin(), (*next)->end());
  }
}

TEST(Framer, GivesWholeMessagesHoweverTheyCome) {
  const std::vector<Bytes> sent{open_with(hex("02 00")), keepalive(),
                                update({}, good_attributes(), kNlri), keepalive()};
  Bytes stream;
  for (const Bytes& one : sent) stream = joined({stream, one});
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    Framer framer;
    std::vector<Bytes> taken;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      framer.feed(ByteView(stream).subspan(at, std::min(piece, stream.size() - at)));
      for (auto& one : take_all(framer)) taken.push_back(std::move(one));
    }
    EXPECT_EQ(taken, sent) << "in pieces of " << piece;
    EXPECT_EQ(framer.pending(), 0U);
  }
}

TEST(Framer, AnEmptyStreamHasNoMessage) {
  Framer framer;
  framer.feed({});
  EXPECT_EQ(*framer.next(), std::nullopt);
}

TEST(Framer, ABadHeaderIsNoticedBeforeItsBodyComes) {
  Framer framer;
  framer.feed(keepalive());
  framer.feed(joined({Bytes(16, 0xff), hex("1001 02")}));
  EXPECT_TRUE(*framer.next());
  for (int i = 0; i < 2; ++i) {
    const auto next = framer.next();
    ASSERT_FALSE(next) << "and the error stays";
    EXPECT_EQ(describe(next.error()), "Message Header Error / Bad Message Length");
  }
}

TEST(Framer, KeepsWhatIsNotTakenWhileMoreComes) {
  Framer framer;
  for (int i = 0; i < 1000; ++i) {
    framer.feed(keepalive());
    if (i % 3 != 0) continue;
    EXPECT_TRUE(*framer.next());
  }
  EXPECT_EQ(take_all(framer).size(), 666U);
}

}  // namespace
}  // namespace fairlead::bgp
