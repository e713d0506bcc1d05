// path -> files -> text -> documents -> objects -> Snapshot. A document that is no usable object is
// a problem of its own and leaves the others alone.
#include "cli/plan_input.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "objects/decode.hpp"
#include "objects/yaml.hpp"

namespace fairlead::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

Result<std::vector<std::string>> files_in(const fs::path& directory) {
  std::error_code error;
  std::vector<std::string> files;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const auto extension = it->path().extension();
    const bool is_object_file = extension == ".yaml" || extension == ".yml" || extension == ".json";
    if (is_object_file && it->is_regular_file(error)) files.push_back(it->path().string());
  }
  if (error) return failure(error, "read directory " + directory.string());
  std::sort(files.begin(), files.end());
  return files;
}

Result<std::string> read_file(const std::string& path, std::istream& standard_input) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(standard_input), {});
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return system_error(errno, "open " + path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) return system_error(errno, "read " + path);
  return text;
}

std::string_view text_member(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

/// Puts objects into the Snapshot, and what is wrong with them beside it.
class Collector {
 public:
  explicit Collector(PlanInput& input) : input_(input) {}

  void add(const json::value& document) {
    const auto* object = document.if_object();
    if (object == nullptr) return complain("document", "expected an object with a kind");
    const auto kind = text_member(*object, "kind");
    if (kind == "Service") {
      add_service(document);
    } else if (kind == "EndpointSlice") {
      add_slice(document);
    } else if (kind == "Node") {
      add_node(document);
    } else if (kind.empty()) {
      complain("document", "has no kind");
    }
  }

 private:
  void add_service(const json::value& document) {
    if (auto service = take(decode_service(document))) {
      ObjectName name = service->name;
      put(input_.cluster.services, std::move(name), *std::move(service), "Service");
    }
  }
  void add_slice(const json::value& document) {
    auto slice = take(decode_endpoint_slice(document));
    if (!slice) return;
    const ObjectName name = slice->name;
    ObjectName service{name.ns, slice->service};
    if (slice->service.empty()) {
      return complain("EndpointSlice " + to_string(name),
                      "metadata.labels: no kubernetes.io/service-name");
    }
    put(input_.cluster.slices[std::move(service)], name.name, *std::move(slice), "EndpointSlice");
  }
  void add_node(const json::value& document) {
    if (auto node = take(decode_node(document))) {
      std::string name = node->name;
      put(input_.cluster.nodes, std::move(name), *std::move(node), "Node");
    }
  }

  /// The object, its problems set aside; nullopt where nothing is left of it.
  template <class T>
  std::optional<T> take(Result<Decoded<T>> decoded) {
    if (!decoded) {
      input_.problems.push_back({"", "", std::move(decoded.error().doing)});
      return std::nullopt;
    }
    std::move(decoded->problems.begin(), decoded->problems.end(),
              std::back_inserter(input_.problems));
    return std::move(decoded->object);
  }

  static std::string text_of(const ObjectName& name) { return to_string(name); }
  static std::string text_of(const std::string& name) { return name; }

  template <class Map, class Key, class T>
  void put(Map& map, Key key, T object, std::string_view kind) {
    if (map.contains(key))
      complain(std::string(kind) + ' ' + text_of(key), "given twice; the later one counts");
    map.insert_or_assign(std::move(key), std::move(object));
  }

  void complain(std::string object, std::string message) {
    input_.problems.push_back({std::move(object), "", std::move(message)});
  }

  PlanInput& input_;
};

}  // namespace

Result<PlanInput> read_plan_input(const std::vector<std::string>& paths,
                                  std::istream& standard_input) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code ignored;  // what does not exist is reported when it is opened
    if (path == "-" || !fs::is_directory(path, ignored)) {
      files.push_back(path);
      continue;
    }
    TRY(auto found, files_in(path));
    std::move(found.begin(), found.end(), std::back_inserter(files));
  }
  PlanInput input;
  Collector collector(input);
  for (const std::string& file : files) {
    TRY(const std::string text, read_file(file, standard_input));
    auto documents = parse_documents(text);
    if (!documents) return prefix(file == "-" ? "standard input" : file, documents.error());
    for (const auto& document : *documents) collector.add(document);
  }
  return input;
}

}  // namespace fairlead::cli
