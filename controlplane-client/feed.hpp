// JSON objects -> objects/decode -> ClusterSink or BgpSink. What is usable is handed on, what is
// not goes into the book: an object that cannot be decoded leaves its previous version with the
// sink, and every other object untouched.
#pragma once

#include <malloc.h>

#include <string>
#include <string_view>
#include <utility>

#include "controlplane-client/cluster_watch.hpp"
#include "controlplane-client/problem_book.hpp"
#include "controlplane-client/reflector.hpp"
#include "objects/decode.hpp"

namespace fairlead::client {

// What differs between the resources.
struct ServiceTraits {
  using Sink = ClusterSink;
  static constexpr Resource kResource = Resource::kServices;
  static constexpr std::string_view kKind = "Service";
  static Result<Decoded<Service>> decode(const boost::json::value& json) {
    return decode_service(json);
  }
  static void give(ClusterSink& sink, Service service) { sink.service(std::move(service)); }
  static void gone(ClusterSink& sink, const ObjectName& name) { sink.service_gone(name); }
};
struct SliceTraits {
  using Sink = ClusterSink;
  static constexpr Resource kResource = Resource::kEndpointSlices;
  static constexpr std::string_view kKind = "EndpointSlice";
  static Result<Decoded<EndpointSlice>> decode(const boost::json::value& json) {
    return decode_endpoint_slice(json);
  }
  static void give(ClusterSink& sink, EndpointSlice slice) { sink.slice(std::move(slice)); }
  static void gone(ClusterSink& sink, const ObjectName& name) { sink.slice_gone(name); }
};
struct NodeTraits {
  using Sink = ClusterSink;
  static constexpr Resource kResource = Resource::kNodes;
  static constexpr std::string_view kKind = "Node";
  static Result<Decoded<Node>> decode(const boost::json::value& json) { return decode_node(json); }
  static void give(ClusterSink& sink, Node node) { sink.node(std::move(node)); }
  static void gone(ClusterSink& sink, const ObjectName& name) { sink.node_gone(name.name); }
};

inline std::string display_name(std::string_view kind, const ObjectName& name) {
  return std::string(kind) + ' ' + (name.ns.empty() ? name.name : to_string(name));
}

template <class Traits>
class Feed final : public ReflectorSink {
 public:
  using Sink = typename Traits::Sink;

  Feed(Sink& sink, const std::string& server, ResourceStatus& status)
      : sink_(sink),
        book_(sink),
        connection_("API server " + server + ": " + std::string(to_string(Traits::kResource))),
        status_(status) {}

  void upsert(const ObjectName& name, const boost::json::value& json) override {
    auto decoded = Traits::decode(json);
    if (!decoded) return unusable(name, decoded.error().doing);
    book_.set(display_name(Traits::kKind, name), std::move(decoded->problems), Severity::kWarning);
    Traits::give(sink_, std::move(decoded->object));
  }

  void unusable(const ObjectName& name, std::string_view why) override {
    ++status_.undecodable;
    const std::string object = display_name(Traits::kKind, name);
    book_.set(
        object,
        {Problem{object, "", std::string(why) + "; what was known of it before stays in force"}},
        Severity::kError);
  }

  void gone(const ObjectName& name) override {
    book_.clear(display_name(Traits::kKind, name));
    Traits::gone(sink_, name);
  }

  void listed() override {
    // A list's pieces leave the heap in fragments; given back, they are most of what an idle agent
    // would hold.
    malloc_trim(0);
    if (!std::exchange(synced_, true)) sink_.synced(Traits::kResource);
  }

  void failing(const Error& error, bool lasting) override {
    book_.set(connection_, {Problem{connection_, "", error.doing}},
              lasting ? Severity::kError : Severity::kWarning);
  }
  void working() override { book_.clear(connection_); }

 private:
  Sink& sink_;
  ProblemBook<Sink> book_;
  const std::string connection_;
  ResourceStatus& status_;
  bool synced_ = false;
};

}  // namespace fairlead::client
