// The only place here that touches files: results in, results and pages out.
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "bench/results/json.hpp"

namespace fairlead::bench {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

Result<std::string> read_file(const std::string& name) {
  const File file(std::fopen(name.c_str(), "rbe"));
  if (!file) return system_error(errno, name);
  std::string text;
  char part[64 * 1024];
  while (const std::size_t size = std::fread(part, 1, sizeof part, file.get())) {
    text.append(part, size);
  }
  if (std::ferror(file.get()) != 0) return system_error(errno, name);
  return text;
}

/// An errno value; 0: it is written.
int write_to(const std::string& name, std::string_view text) {
  File file(std::fopen(name.c_str(), "wbe"));
  if (!file) return errno;
  const bool wrote = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
  return wrote && std::fclose(file.release()) == 0 ? 0 : errno;
}

}  // namespace

Result<Results> read_results(const std::string& file) {
  TRY(const std::string text, read_file(file));
  auto results = results_from_json(text);
  if (!results) return prefix(file, results.error());
  return results;
}

Result<> write_file(const std::string& file, std::string_view text) {
  std::error_code ignored;  // of what cannot be looked at, opening it says more
  const auto status = std::filesystem::status(file, ignored);
  // /dev/stdout, a pipe: nothing to replace. Else beside the file, so that rename() puts it there
  // in one step.
  const bool is_replaced =
      !std::filesystem::exists(status) || std::filesystem::is_regular_file(status);
  const std::string target = is_replaced ? file + ".new" : file;
  int error = write_to(target, text);
  if (error == 0 && is_replaced && std::rename(target.c_str(), file.c_str()) != 0) error = errno;
  if (error == 0) return {};
  if (is_replaced) std::remove(target.c_str());
  return system_error(error, "write " + file);
}

}  // namespace fairlead::bench
