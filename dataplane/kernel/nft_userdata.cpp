// Encodes and finds type-length-value triples of one byte, one byte and bytes.
#include "dataplane/kernel/nft_userdata.hpp"

#include <libnftnl/udata.h>

#include <cstring>

namespace fairlead::nft {
namespace {

constexpr std::uint8_t kFingerprint = 0xf1;  // beyond nft's own types of a rule
constexpr std::size_t kCommentBytes = 250;
constexpr std::uint32_t kHostByteOrder = 1, kNetworkByteOrder = 2;  // nft's enum byteorder

void put(std::vector<std::uint8_t>& out, std::uint8_t type, const void* value, std::size_t size) {
  out.push_back(type);
  out.push_back(static_cast<std::uint8_t>(size));
  const auto* bytes = static_cast<const std::uint8_t*>(value);
  out.insert(out.end(), bytes, bytes + size);
}

std::optional<std::span<const std::uint8_t>> find(std::span<const std::uint8_t> userdata,
                                                  std::uint8_t type) {
  while (userdata.size() >= 2) {
    const std::size_t size = userdata[1];
    if (userdata.size() < 2 + size) return std::nullopt;
    if (userdata[0] == type) return userdata.subspan(2, size);
    userdata = userdata.subspan(2 + size);
  }
  return std::nullopt;
}

std::uint32_t byte_order(std::span<const DataType> fields) {
  return fields.size() == 1 && fields.front() == DataType::kMark ? kHostByteOrder
                                                                 : kNetworkByteOrder;
}

}  // namespace

std::size_t field_bytes(DataType type) {
  switch (type) {
    case DataType::kIpv4:
    case DataType::kMark:
      return 4;
    case DataType::kIpv6:
      return 16;
    case DataType::kFamily:
    case DataType::kInetProto:
      return 1;
    case DataType::kInetService:
      return 2;
  }
  return 0;
}

std::vector<std::uint8_t> set_userdata(const Set& set) {
  std::vector<std::uint8_t> out;
  const std::uint32_t key = byte_order(set.key);
  put(out, NFTNL_UDATA_SET_KEYBYTEORDER, &key, sizeof(key));
  if (!set.data.empty()) {
    const std::uint32_t data = byte_order(set.data);
    put(out, NFTNL_UDATA_SET_DATABYTEORDER, &data, sizeof(data));
  }
  return out;
}

std::vector<std::uint8_t> element_userdata(std::string_view comment) {
  std::vector<std::uint8_t> out;
  std::string text(comment.substr(0, kCommentBytes));
  put(out, NFTNL_UDATA_SET_ELEM_COMMENT, text.c_str(), text.size() + 1);
  return out;
}

std::string_view element_comment(std::span<const std::uint8_t> userdata) {
  const auto value = find(userdata, NFTNL_UDATA_SET_ELEM_COMMENT);
  if (!value || value->empty()) return {};
  return {reinterpret_cast<const char*>(value->data()),
          strnlen(reinterpret_cast<const char*>(value->data()), value->size())};
}

std::vector<std::uint8_t> rule_userdata(std::uint64_t fingerprint, std::string_view comment) {
  std::vector<std::uint8_t> out;
  const std::string text(comment);
  if (!text.empty()) put(out, NFTNL_UDATA_RULE_COMMENT, text.c_str(), text.size() + 1);
  put(out, kFingerprint, &fingerprint, sizeof(fingerprint));
  return out;
}

std::optional<std::uint64_t> rule_fingerprint(std::span<const std::uint8_t> userdata) {
  const auto value = find(userdata, kFingerprint);
  std::uint64_t fingerprint = 0;
  if (!value || value->size() != sizeof(fingerprint)) return std::nullopt;
  std::memcpy(&fingerprint, value->data(), sizeof(fingerprint));
  return fingerprint;
}

}  // namespace fairlead::nft
