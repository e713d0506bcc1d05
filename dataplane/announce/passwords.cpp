// No message has anything of a password's value in it, its length apart.
#include "dataplane/announce/passwords.hpp"

namespace fairlead::announce {

Result<std::string> password_at(const Objects& objects, const SecretKey& key) {
  constexpr std::size_t kLongest = 80;  // TCP_MD5SIG_MAXKEYLEN
  const std::string what = "key " + key.key + " of Secret " + to_string(key.secret);
  const auto found = objects.passwords.find(key);
  if (found == objects.passwords.end()) return invalid(what + " does not exist");
  if (found->second.empty()) return invalid(what + " is empty");
  if (found->second.size() > kLongest)
    return invalid(what + " has " + std::to_string(found->second.size()) +
                   " bytes; the kernel takes 80 as a password");
  return found->second;
}

}  // namespace fairlead::announce
