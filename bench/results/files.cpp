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

Result<> write_to(const std::string& name, std::string_view text) {
  File file(std::fopen(name.c_str(), "wbe"));
  if (!file) return system_error(errno, "write " + name);
  const bool wrote = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
  if (!wrote || std::fclose(file.release()) != 0) return system_error(errno, "write " + name);
  return {};
}

}  // namespace

Result<Results> read_results(const std::string& file) {
  TRY(const std::string text, read_file(file));
  auto results = results_from_json(text);
  if (!results) return prefix(file, results.error());
  return results;
}

Result<> write_file(const std::string& file, std::string_view text) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  // /dev/stdout, a pipe: nothing to replace.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return write_to(file, text);
  }
  // Beside the file, so that rename() puts it there in one step.
  const std::string beside = file + ".new";
  TRY_VOID(write_to(beside, text));
  if (std::rename(beside.c_str(), file.c_str()) != 0) {
    const int number = errno;
    std::remove(beside.c_str());
    return system_error(number, "write " + file);
  }
  return {};
}

}  // namespace fairlead::bench
