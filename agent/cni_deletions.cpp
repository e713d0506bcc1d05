// Each file of the directory -> remove -> unlink.
#include "agent/cni_deletions.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cni/deletion.hpp"
#include "dataplane/kernel/bpf_fs.hpp"

namespace fairlead {
namespace {

Result<std::string> read_small_file(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return system_error(errno, "open");
  std::array<char, 4096> content{};
  const ssize_t size = ::read(file.get(), content.data(), content.size());
  if (size < 0) return system_error(errno, "read");
  return std::string(content.data(), static_cast<std::size_t>(size));
}

/// Whether the attachment of this name is a later one, in another namespace.
bool is_another(const cni::Deletion& deletion, const std::vector<podnet::Attachment>& all) {
  return deletion.netns_cookie != 0 && std::ranges::any_of(all, [&](const auto& attachment) {
           return attachment.key == deletion.key && attachment.netns_cookie != 0 &&
                  attachment.netns_cookie != deletion.netns_cookie;
         });
}

/// The error says why the note is of no use.
Result<podnet::Outcome<>> carry_out(podnet::Attachments& attachments, const std::string& path) {
  TRY(const std::string text, read_small_file(path));
  TRY(const auto deletion, cni::parse_deletion(text));
  if (is_another(deletion, attachments.all())) return podnet::Outcome<>();
  return attachments.remove(deletion.key).map([](const auto&) {});
}

}  // namespace

Result<> carry_out_deletions(podnet::Attachments& attachments, const std::string& state_directory,
                             const std::function<void(const std::string&)>& warn) {
  const std::string directory = fmt::format("{}/{}", state_directory, cni::kDeletionsDirectory);
  TRY(const auto names, list_directory(directory));
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    // Those that begin with a dot were never finished: their DEL was not answered.
    if (!name.starts_with('.')) {
      const auto done = carry_out(attachments, path);
      if (!done) warn(fmt::format("{} is dropped: {}", path, done.error().doing));
      if (done && !*done) {
        warn(fmt::format("{} is left for the next start: {}", path, done->error().doing));
        continue;
      }
    }
    if (::unlink(path.c_str()) != 0) warn(system_error(errno, "remove " + path).value().doing);
  }
  return {};
}

}  // namespace fairlead
