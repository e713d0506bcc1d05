#!/usr/bin/env bash
# Measures what the datapath costs to program. Everything happens in network namespaces of the program's own.
#   ./run bench [--json FILE]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
[ "$(id -u)" = 0 ] || { echo "bench: needs root, for a network namespace and nftables" >&2; exit 1; }
json=build/bench.json
[ "${1:-}" = --json ] && json=$2
mkdir -p "$(dirname "$json")"
build/release/bin/bench/programming "$json"
echo "JSON: $json"
