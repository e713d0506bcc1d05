// A note <-> JSON.
#include "cni/deletion.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "cni/fields.hpp"
#include "cni/names.hpp"

namespace fairlead::cni {

namespace json = boost::json;

std::string to_json(const Deletion& deletion) {
  return json::serialize(json::object{{"network", deletion.key.network},
                                      {"containerID", deletion.key.container},
                                      {"ifname", deletion.key.interface},
                                      {"netnsCookie", deletion.netns_cookie}});
}

Result<Deletion> parse_deletion(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return invalid("not a JSON object");
  const Fields fields(value.get_object(), "");
  const auto as_error = [](const Failure& failure) {
    return Error{std::make_error_code(std::errc::invalid_argument), failure.details};
  };
  Deletion deletion;
  const std::pair<const char*, std::string*> parts[] = {{"network", &deletion.key.network},
                                                        {"containerID", &deletion.key.container},
                                                        {"ifname", &deletion.key.interface}};
  for (const auto& [key, part] : parts) {
    TRY(const auto said, fields.string(key).map_error(as_error));
    *part = said.value_or("");
  }
  TRY(deletion.netns_cookie, fields.number("netnsCookie").map_error(as_error));
  if (!is_name(deletion.key.network, kNetworkBytes) ||
      !is_name(deletion.key.container, kContainerBytes) ||
      !is_interface_name(deletion.key.interface)) {
    return invalid("not the key of an attachment");
  }
  return deletion;
}

std::string file_name_of(const podnet::AttachmentKey& key) {
  // '@' is in no network's or container's name.
  return key.network + "@" + key.container + "@" + key.interface;
}

}  // namespace fairlead::cni
