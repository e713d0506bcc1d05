// A container that no kubelet knows of, as the Pod that stands for it in the API: pure values.
//
//   Attachment, labels -> Pod, its status          Pod -> which attachment it stands for
#pragma once

#include <boost/json.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/podnet/attachment.hpp"
#include "model/object.hpp"

namespace fairlead {

/// Whoever has this annotation was registered by an agent; its value is the attachment's key.
inline constexpr const char* kAttachmentAnnotation = "fairlead.io/attachment";

using ContainerLabels = std::map<std::string, std::string>;

/// A kubelet gives its pods' UIDs to the plugin; nobody else does.
inline bool is_standalone(const podnet::Attachment& attachment) {
  return attachment.pod.uid.empty();
}

/// K8S_POD_NAMESPACE, or "default", and K8S_POD_NAME, or the container's id. What is no name of
/// Kubernetes ("elegant_curie") becomes one, and gets a part of its own:
/// "elegant-curie-0123abcd….".
ObjectName registered_name(const podnet::Attachment& attachment);

/// Without what Kubernetes does not take as labels: containers' may be any text.
ContainerLabels valid_labels(const ContainerLabels& labels);

/// What to create, without a status: the API takes that on a path of its own.
boost::json::value make_registered_pod(const podnet::Attachment& attachment,
                                       const ContainerLabels& labels, const std::string& node);
/// A merge patch: Running and Ready with the attachment's addresses since `now`.
boost::json::value make_registered_status(const podnet::Attachment& attachment, Time now);

/// What the API says of a Pod that an agent registered.
struct RegisteredPod {
  ObjectName name;
  std::string uid;
  std::string attachment;  // key
  std::vector<std::string> ips;
  bool running = false;
};
/// nullopt: not registered by an agent, or not on `node`; to be left alone.
std::optional<RegisteredPod> read_registered_pod(const boost::json::value& pod,
                                                 const std::string& node);
/// Does its status say what the attachment is?
bool is_up_to_date(const RegisteredPod& pod, const podnet::Attachment& attachment);

}  // namespace fairlead
