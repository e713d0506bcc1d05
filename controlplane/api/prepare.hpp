// What a request wants -> the object to store: metadata, defaults, validation, allocation,
// immutability. No I/O.
//
// The way of a write: decode_body (or apply_patch on the stored object) -> bind_to_request ->
// prepare_* -> storage with compare-and-swap on the old resourceVersion -> reservation.commit(). If
// storage refuses, drop the Prepared.
#pragma once

#include <boost/json.hpp>
#include <random>
#include <string_view>
#include <vector>

#include "controlplane/api/allocators.hpp"
#include "controlplane/api/decode.hpp"
#include "controlplane/api/resource.hpp"
#include "controlplane/api/status.hpp"
#include "model/object.hpp"
#include "model/plan.hpp"

namespace fairlead::api {

/// What a write needs besides the object. The references must outlive the Prepared.
struct WriteContext {
  Allocators& allocators;
  std::mt19937_64& random;  // names, uids, cluster IPs, ports
  Time now;
  bool dry_run = false;  // allocates nothing; a cluster IP that would be drawn shows as the first
                         // of its prefix
};

struct Prepared {
  boost::json::object object;  // as `type` shows it; without resourceVersion after a create
  Reservation reservation;
  /// The update changes nothing: answer 200 with the stored object and write nothing.
  bool unchanged = false;
  /// The update took the last finalizer from an object being deleted: remove it, and answer with
  /// `object`.
  bool remove = false;
};

/// A new object: generated name, uid, creationTimestamp, defaults, validation, allocations; status
/// as the kind's strategy sets it (a client's status is dropped for kinds with a status
/// subresource, but for Nodes). With metadata.generateName and no name it draws a name: on a
/// collision prepare again from the same input, up to 8 times. `object` has passed bind_to_request.
ApiResult<Prepared> prepare_create(const ResourceType& type, boost::json::object object,
                                   const WriteContext& context);

/// A PUT or the result of a PATCH. `old`: as stored (from_stored). `subresource`: "", "status",
/// "finalize" (Namespaces). Refuses a resourceVersion or uid other than old's with 409. What the
/// subresource does not own is taken from `old`.
ApiResult<Prepared> prepare_update(const ResourceType& type, const boost::json::object& old,
                                   boost::json::object object, std::string_view subresource,
                                   const WriteContext& context);

struct Deletion {
  boost::json::object object;  // its last state; with deletionTimestamp when it stays
  bool remove = true;          // false: finalizers hold it; store `object`
  bool unchanged = false;      // it is being deleted already: nothing to write
};

/// Checks preconditions (409) and marks what finalizers hold. A Namespace always stays,
/// Terminating, until finalized. After storage has removed an object call release().
ApiResult<Deletion> prepare_delete(const ResourceType& type, const boost::json::object& old,
                                   const DeleteOptions& options, Time now);

/// Gives back all that a removed object held.
void release(const ResourceType& type, const boost::json::object& object, Allocators& allocators);

/// At start, for each stored object: marks what it holds as taken. The problems name what is held
/// twice or out of range; nothing is changed for them.
std::vector<Problem> adopt(const ResourceType& type, const boost::json::object& object,
                           Allocators& allocators);

/// The finalizer that lets a Namespace's content go first; the server removes it when the Namespace
/// is empty: prepare_update(type, old, without_namespace_finalizer(old), "finalize", …) then has
/// remove == true.
boost::json::object without_namespace_finalizer(boost::json::object ns);

}  // namespace fairlead::api
