// The value of a key of a Secret, as a session's password.
#pragma once

#include <string>

#include "dataplane/announce/announce.hpp"
#include "model/result.hpp"

namespace fairlead::announce {

/// Without a usable one there must be no session: one without the password is not what was meant.
Result<std::string> password_at(const Objects& objects, const SecretKey& key);

}  // namespace fairlead::announce
