// Boost.JSON, compiled into the plugin, so that the linker can leave out what is not called; of
// Debian's archive it would take all.
#include <boost/json/src.hpp>
