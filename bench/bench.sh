#!/usr/bin/env bash
# Measures what Services cost on this machine.
#   ./run bench [WORD...]           as `fairlead bench`; results are build/bench.json and build/bench.html
#   ./run bench inside [PROGRAM...] what only those need who change Fairlead: programming agent_latency agent_memory
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
[ "$(id -u)" = 0 ] || { echo "bench: needs root, for network namespaces, nftables and BPF" >&2; exit 1; }
bin=build/release/bin

if [ "${1:-}" != inside ]; then
  case "${1:-}" in
    compare | page | show | load | --help | -h) exec "$bin/fairlead" bench "$@" ;;
  esac
  exec "$bin/fairlead" bench --json build/bench.json --html build/bench.html "$@"
fi

shift
[ $# -gt 0 ] || set -- programming agent_latency agent_memory
for program in "$@"; do
  case "$program" in
    programming)
      echo "the datapaths, from plan to kernel"
      "$bin/bench/programming" nftables
      "$bin/bench/programming" ebpf
      ;;
    agent_latency)
      echo "the agent, from watch event to kernel"
      "$bin/bench/agent_latency"
      ;;
    agent_memory)
      echo "the agent's process"
      unshare --net bench/programs/agent_memory.py "$bin/fairlead"
      ;;
    *)
      echo "bench: there is no program '$program': programming agent_latency agent_memory" >&2
      exit 2
      ;;
  esac
done
