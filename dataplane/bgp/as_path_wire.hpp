// AS paths in two and in four octets (RFC 4271 4.3 b, RFC 6793).
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "dataplane/bgp/attributes.hpp"
#include "dataplane/bgp/reader.hpp"
#include "dataplane/bgp/writer.hpp"

namespace fairlead::bgp {

/// Segments of a confederation (RFC 5065 3): no peer of ours is within one.
enum class Confederation { kRefused, kSkipped };

/// `width`: octets of a number, 2 or 4. The error says what is wrong: a kind of segment that is
/// none, an empty one, one past the end, AS 0 (RFC 7607 2). No segments: an empty path.
tl::expected<AsPath, std::string> read_as_path(Reader reader, std::size_t width,
                                               Confederation confederation);

/// Numbers that do not fit `width` become AS_TRANS. Segments of more than 255 are split.
void write_as_path(Writer& writer, const AsPath& path, std::size_t width);

constexpr bool fits_two_octets(AsNumber as) { return as.number <= 0xffff; }
bool fits_two_octets(const AsPath& path);

/// RFC 6793 4.2.3: what the speakers of two octets added in front, then `as4_path`. A longer
/// as4_path is ignored.
AsPath merge_as4_path(const AsPath& path, const AsPath& as4_path);

}  // namespace fairlead::bgp
