// Storage in one SQLite file of this machine: write-ahead log, synchronous=FULL, one writer thread
// that commits in groups.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "controlplane/storage/storage.hpp"

namespace fairlead::storage {

/// Opens or makes the file. Results and events come back on `executor`, which must outlive the
/// storage; destroying it waits for the writer, and everything submitted before is committed.
/// Errors: not a database of ours, held by another process, no permission.
Result<std::unique_ptr<Storage>> open_sqlite(const std::string& path,
                                             boost::asio::any_io_executor executor);

}  // namespace fairlead::storage
