// Paths -> text, base64 -> bytes.
#include "controlplane-client/files.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

namespace fairlead::client {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20;

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error(errno, path);
  std::string text;
  std::array<char, 8192> buffer{};
  ssize_t count = 0;
  int error = 0;
  while (text.size() <= kLargestFile) {
    count = read(fd, buffer.data(), buffer.size());
    if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) error = errno;
    if (count == 0 || error != 0) break;
  }
  close(fd);
  if (error != 0) return system_error(error, path);
  if (text.size() > kLargestFile) return invalid(path + ": larger than 1 MiB");
  return text;
}

Result<std::string> read_pem(const Pem& pem) {
  if (!pem.text.empty()) return pem.text;
  return read_file(pem.file);
}

Result<std::string> decode_base64(std::string_view text) {
  std::string compact;
  for (const char c : text) {
    if (c != '\n' && c != '\r' && c != ' ') compact += c;
  }
  // EVP_DecodeBlock takes no incomplete group and counts the padding as bytes.
  std::vector<unsigned char> bytes(compact.size() / 4 * 3 + 3);
  const int size =
      compact.size() % 4 != 0
          ? -1
          : EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(compact.data()),
                            static_cast<int>(compact.size()));
  if (size < 0) return invalid("is not base64");
  std::size_t padding = 0;
  while (padding < 2 && padding < compact.size() && compact[compact.size() - 1 - padding] == '=')
    ++padding;
  return std::string(reinterpret_cast<const char*>(bytes.data()),
                     static_cast<std::size_t>(size) - padding);
}

std::string encode_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends with a NUL
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

}  // namespace fairlead::client
