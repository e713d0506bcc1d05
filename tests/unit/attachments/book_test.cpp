// What is written into the book is there when it is opened again; what is damaged is set aside.
#include "dataplane/podnet/book.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "dataplane/podnet/attachment_json.hpp"

namespace fairlead::podnet {
namespace {

class BookTest : public testing::Test {
 protected:
  BookTest() {
    char pattern[] = "/tmp/fairlead-book-XXXXXX";
    directory_ = ::mkdtemp(pattern);
  }
  ~BookTest() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string path() const { return directory_ + "/pods.db"; }
  [[nodiscard]] Book open() {
    auto book = Book::open(path(), damage_);
    if (!book) ADD_FAILURE() << book.error().doing;
    return std::move(book).value();
  }
  static Attachment attachment(const std::string& container) {
    return {.key = {"net", container, "eth0"},
            .pod = {"default", "web-1", "uid-1"},
            .labels = {{"app", "web"}},
            .sandbox = "/run/netns/" + container,
            .netns_cookie = 0x8000'0000'0000'0001,
            .ips = {parse_ip("10.244.1.5").value(), parse_ip("fd00::5").value()},
            .pod_mac = {2, 0xfb, 1, 2, 3, 4},
            .host_mac = {2, 0xfa, 0, 0, 0, 1},
            .host_link = "fl-0123456789ab",
            .mtu = 1450,
            .port_mappings = {{Port{8080}, Port{80}, Protocol::kTcp, std::nullopt},
                              {Port{53}, Port{53}, Protocol::kUdp, parse_ip("198.18.0.1").value()}},
            .bandwidth = {1000, 2000, 3000, 4000}};
  }

  std::string directory_;
  std::optional<std::string> damage_;
};

TEST_F(BookTest, AnAttachmentReadsAsItWasWritten) {
  EXPECT_EQ(attachment_from_json(to_json(attachment("c1"))).value(), attachment("c1"));
}

TEST_F(BookTest, WhatWasWrittenIsThereWhenItIsOpenedAgain) {
  const Cidr range = parse_cidr("10.244.1.0/24").value();
  {
    Book book = open();
    ASSERT_TRUE(book.add(attachment("c1"), {{range, 6}}));
    ASSERT_TRUE(book.add(attachment("c2"), {{range, 7}}));
    ASSERT_TRUE(book.add(attachment("c3"), {}));
    ASSERT_TRUE(book.set_leaving({"net", "c2", "eth0"}));
    ASSERT_TRUE(book.erase({{"net", "c3", "eth0"}}, {{parse_ip("10.244.1.9").value(), 12}}));
    ASSERT_TRUE(book.set_boot("this one"));
  }
  Book book = open();
  EXPECT_EQ(damage_, std::nullopt);
  const auto contents = book.read();
  ASSERT_TRUE(contents) << contents.error().doing;
  EXPECT_THAT(contents->attachments,
              testing::ElementsAre(testing::Pair(attachment("c1"), Standing::kHeld),
                                   testing::Pair(attachment("c2"), Standing::kLeaving)));
  EXPECT_THAT(contents->cursors, testing::ElementsAre(Cursor{range, 7}));
  EXPECT_THAT(contents->freed,
              testing::ElementsAre(testing::Pair(parse_ip("10.244.1.9").value(), 12)));
  EXPECT_EQ(book.boot().value(), "this one");
}

TEST_F(BookTest, AFreedAddressThatIsGivenAgainIsNoLongerInTheLine) {
  Book book = open();
  ASSERT_TRUE(book.erase({}, {{parse_ip("10.244.1.5").value(), 3}}));
  ASSERT_TRUE(book.add(attachment("c1"), {}));
  EXPECT_TRUE(book.read()->freed.empty());
}

TEST_F(BookTest, AFileThatIsNoBookIsSetAsideAndSaid) {
  std::ofstream(path()) << std::string(8192, 'x');
  Book book = open();
  ASSERT_TRUE(damage_);
  EXPECT_THAT(*damage_, testing::HasSubstr(path() + ".damaged-"));
  EXPECT_TRUE(book.read()->attachments.empty());
  ASSERT_TRUE(book.add(attachment("c1"), {}));
}

TEST_F(BookTest, ARowThatCannotBeReadIsDamage) {
  {
    Book book = open();
    ASSERT_TRUE(book.add(attachment("c1"), {}));
  }
  auto database = sqlite::Database::open(path()).value();
  ASSERT_TRUE(database.execute("UPDATE attachments SET body = '{\"podMac\": \"no\"}'"));
  ASSERT_TRUE(database.execute("PRAGMA journal_mode = DELETE"));
  database = sqlite::Database::open(":memory:").value();
  Book book = open();
  ASSERT_TRUE(damage_);
  EXPECT_THAT(*damage_, testing::HasSubstr("MAC"));
}

TEST_F(BookTest, EveryCutOfTheFileIsReadOrSetAside) {
  {
    Book book = open();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(book.add(attachment("c" + std::to_string(i)), {}));
  }
  const auto size = std::filesystem::file_size(path());
  ASSERT_GT(size, 8192U);
  for (std::uintmax_t cut = 0; cut < size; cut += 1111) {
    std::filesystem::copy_file(path(), path() + ".whole",
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(path(), cut);
    std::optional<std::string> damage;
    auto book = Book::open(path(), damage);
    ASSERT_TRUE(book) << cut << ": " << book.error().doing;
    EXPECT_TRUE(book->read());
    EXPECT_TRUE(damage || cut == 0) << cut;
    book = tl::unexpected(Error{});
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path() + suffix);
    std::filesystem::rename(path() + ".whole", path());
  }
}

}  // namespace
}  // namespace fairlead::podnet
