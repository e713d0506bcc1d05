// Messages of the control socket <-> JSON: one object a line, with one member that is named like
// the message's type: {"Ask":{"id":7,"what":"peers"}}.
#pragma once

#include <string>
#include <string_view>

#include "dataplane/bgp/control/messages.hpp"
#include "model/result.hpp"

namespace fairlead::bgp::control {

/// A line with its end. Settings hold passwords: they go to the socket, and nowhere else.
std::string encode(const ToSpeaker& message);
std::string encode(const FromSpeaker& message);

/// `line` with or without its end. Fields that have no value may be left out, all others are
/// needed; fields of other names are ignored. The error names the field
/// ("Settings.peers[2].transport.port: 70000 is more than 65535"), and never tells what a text
/// holds that might be a password.
Result<ToSpeaker> decode_to_speaker(std::string_view line);
Result<FromSpeaker> decode_from_speaker(std::string_view line);

}  // namespace fairlead::bgp::control
