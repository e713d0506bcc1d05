// An Attachment <-> its JSON in the book.
#pragma once

#include <string>
#include <string_view>

#include "dataplane/podnet/attachment.hpp"

namespace fairlead::podnet {

std::string to_json(const Attachment& attachment);
/// The error names the field.
Result<Attachment> attachment_from_json(std::string_view text);

}  // namespace fairlead::podnet
