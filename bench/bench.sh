#!/usr/bin/env bash
# Measures what Services cost: to program, from event to kernel, and in memory. Each in network namespaces of its own.
#   ./run bench [--json FILE]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
[ "$(id -u)" = 0 ] || { echo "bench: needs root, for a network namespace and nftables" >&2; exit 1; }
json=build/bench.json
[ "${1:-}" = --json ] && json=$2
mkdir -p "$(dirname "$json")"
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT

echo "the datapath, from plan to kernel"
build/release/bin/bench/programming "$parts/programming"
echo "the agent, from watch event to kernel"
build/release/bin/bench/agent_latency "$parts/agent_latency"
echo "the agent's process"
unshare --net bench/agent_memory.py build/release/bin/fairlead "$parts/agent_memory"

for part in programming agent_latency agent_memory; do printf '"%s":%s,\n' "$part" "$(cat "$parts/$part")"; done |
  { echo '{'; sed '$s/,$//'; echo '}'; } >"$json"
echo "JSON: $json"
