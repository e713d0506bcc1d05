// Written beside its place and renamed: a runtime sees all of it or none.
#include "agent/cni_config.hpp"

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace fairlead {
namespace {

namespace json = boost::json;

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::string cni_config(const std::string& runtime_directory, const std::string& state_directory) {
  const json::object capabilities{
      {"portMappings", true}, {"bandwidth", true}, {"ips", true},
      {"mac", true},          {"ipRanges", true},  {"io.kubernetes.cri.pod-annotations", true}};
  const json::object plugin{{"type", "fairlead-cni"},
                            {"runtimeDirectory", runtime_directory},
                            {"stateDirectory", state_directory},
                            {"capabilities", capabilities}};
  // Older runtimes know nothing of cniVersions, and refuse 1.1.0.
  const json::object list{{"cniVersion", "1.0.0"},
                          {"cniVersions", {"0.3.1", "0.4.0", "1.0.0", "1.1.0"}},
                          {"name", "fairlead"},
                          {"plugins", json::array{plugin}}};
  return json::serialize(list) + "\n";
}

Result<> write_cni_config(const std::string& directory, const std::string& config) {
  const std::string path = directory + "/" + kCniConfigName, next = path + ".new";
  if (read(path) == config) return {};
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return failure(error, "make " + directory);
  std::ofstream file(next);
  file << config << std::flush;
  if (!file) return system_error(EIO, "write " + next);
  file.close();
  std::filesystem::rename(next, path, error);
  if (error) return failure(error, "rename " + next + " to " + path);
  return {};
}

Result<> remove_cni_config(const std::string& directory) {
  std::error_code error;
  std::filesystem::remove(directory + "/" + kCniConfigName, error);
  if (error) return failure(error, "remove " + directory + "/" + kCniConfigName);
  return {};
}

}  // namespace fairlead
