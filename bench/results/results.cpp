// Parts of a bench, one after the other -> the results of all.
#include "bench/results/results.hpp"

#include <iterator>
#include <utility>

namespace fairlead::bench {
namespace {

template <class T>
void append(std::vector<T>& list, std::vector<T> more) {
  list.insert(list.end(), std::make_move_iterator(more.begin()),
              std::make_move_iterator(more.end()));
}

}  // namespace

void append(Results& results, Results more) {
  append(results.series, std::move(more.series));
  append(results.latencies, std::move(more.latencies));
  append(results.not_measured, std::move(more.not_measured));
}

}  // namespace fairlead::bench
