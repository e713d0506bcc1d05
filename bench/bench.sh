#!/usr/bin/env bash
# Measures what Services cost; each part in network namespaces of its own.
#   ./run bench [--json FILE] [PART...]       default: all of them
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
[ "$(id -u)" = 0 ] || { echo "bench: needs root, for network namespaces, nftables and BPF" >&2; exit 1; }
bin=build/release/bin
json=build/bench.json
if [ "${1:-}" = --json ]; then
  json=$2
  shift 2
fi
mkdir -p "$(dirname "$json")"
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT

measure() {
  local out=$parts/$1
  case "$1" in
    programming)
      echo "the datapaths, from plan to kernel"
      "$bin/bench/programming" nftables "$out.nftables"
      "$bin/bench/programming" ebpf "$out.ebpf"
      printf '{"nftables":%s,"ebpf":%s}' "$(cat "$out.nftables")" "$(cat "$out.ebpf")" >"$out"
      ;;
    agent_latency)
      echo "the agent, from watch event to kernel"
      "$bin/bench/agent_latency" "$out"
      ;;
    agent_memory)
      echo "the agent's process"
      unshare --net bench/agent_memory.py "$bin/fairlead" "$out"
      ;;
    packets)
      echo "packets through the eBPF programs, ns of CPU time above an empty program (quartiles)"
      "$bin/bench/packets" "$out"
      ;;
    paths)
      echo "connections through each datapath, beside direct ones"
      bench/paths.py "$bin/bench" "$out"
      ;;
    *)
      echo "bench: there is no part '$1': programming agent_latency agent_memory packets paths" >&2
      exit 2
      ;;
  esac
}

[ $# -gt 0 ] || set -- programming agent_latency agent_memory packets paths
for part in "$@"; do measure "$part"; done
for part in "$@"; do printf '"%s":%s,\n' "$part" "$(cat "$parts/$part")"; done |
  { echo '{'; sed '$s/,$//'; echo '}'; } >"$json"
echo "JSON: $json"
