// One deflate call into a buffer of the size that zlib says is always enough.
#include "http/gzip.hpp"

#include <zlib.h>

#include <cassert>

namespace fairlead::http {

std::string gzip(std::string_view bytes) {
  constexpr int kGzipWrapper = 16;  // added to the window bits: a gzip header instead of zlib's
  constexpr int kMemoryLevel = 8;
  z_stream stream{};
  [[maybe_unused]] int status =
      deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + kGzipWrapper, kMemoryLevel,
                   Z_DEFAULT_STRATEGY);
  assert(status == Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  status = deflate(&stream, Z_FINISH);
  assert(status == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const auto end = std::min(accept_encoding.find(','), accept_encoding.size());
    std::string_view coding = accept_encoding.substr(0, end);
    accept_encoding.remove_prefix(std::min(end + 1, accept_encoding.size()));
    while (coding.starts_with(' ')) coding.remove_prefix(1);
    if (coding != "gzip" && !coding.starts_with("gzip;")) continue;
    return coding.find("q=0") == coding.npos || coding.find("q=0.") != coding.npos;
  }
  return false;
}

}  // namespace fairlead::http
