#!/usr/bin/env python3
"""Writes results as a bench would have them, invented but of the right size and noise, the same each time: `fixture.py`.

All kinds of plots and tables have something to show: ratios to direct, absolute figures, latencies, and what was not measured.
"""

import json
import math
import random
import sys

random.seed(42)
ROUNDS = 15
# What each way has of the direct one's rate with 1 Service, and what of that is left with 10,000.
WAYS = {"direct": (1, 1), "direct again": (1, 1), "ebpf": (0.98, 1), "nftables": (0.82, 0.97), "kube-proxy iptables-legacy": (0.80, 0.62),
        "kube-proxy iptables-nft": (0.76, 0.60), "kube-proxy nftables 1.35": (0.80, 0.96), "kube-proxy nftables 1.36": (0.81, 0.98)}
SIZES = [1, 1000, 10000]
results = {"schema": "fairlead.io/bench/v1", "series": [], "latencies": []}


def noise(deviation):
    return math.exp(random.gauss(0, deviation))


def subject(part, test, traffic, figure, unit, better, services=0, endpoints=0):
    return {"part": part, "test": test, "traffic": traffic, "figure": figure, "unit": unit, "better": better, "services": services,
            "endpoints": endpoints}


def series(of, middles, deviation, rounds):
    for way, middle in middles.items():
        samples = [float(f"{middle * one * noise(deviation):.6g}") for one in rounds]
        results["series"].append({"subject": of, "way": way, "samples": samples})


def rates(services):
    return {way: rate * left ** math.log10(services or 1) ** 0.5 for way, (rate, left) in WAYS.items()}


def latency(of, middles):
    """A body of log-normal latencies, a second hump of interrupted ones, and a tail; in buckets as an HDR histogram has them."""
    for way, middle in middles.items():
        counts = {}
        for _ in range(30000):
            value = middle * noise(0.12)
            if random.random() < 0.03:
                value *= 2.2 * noise(0.2)
            if random.random() < 0.0008:
                value *= 25 * noise(0.5)
            shift = max(0, int(value).bit_length() - 7)
            bucket = (int(value) >> shift << shift) + (1 << shift) - 1
            counts[bucket] = counts.get(bucket, 0) + 1
        results["latencies"].append({"subject": of, "way": way, "buckets": sorted(map(list, counts.items()))})


def paths():
    for test, slower in (("NodePort, backend on this node", 1), ("NodePort, backend on another node, VXLAN", 0.62)):
        for services in SIZES:
            rounds = [noise(0.08) for _ in range(ROUNDS)]
            rate = rates(services)
            for traffic, base, deviation in (("connections", 21000, 0.05), ("requests", 64000, 0.03)):
                of = subject("paths", test, traffic, "a second of CPU", "1/s", "more", services, 3)
                series(of, {way: base * slower * one for way, one in rate.items()}, deviation, rounds)
            for figure, base, deviation in (("p50", 24, 0.03), ("p99", 61, 0.10)):
                of = subject("paths", test, "requests", figure, "us", "less", services, 3)
                series(of, {way: base / slower / one for way, one in rate.items()}, deviation, rounds)
            if services != 1000:
                of = subject("paths", test, "requests", "latency", "ns", "less", services, 3)
                latency(of, {way: 24000 / slower / one for way, one in rate.items()})


def programming():
    cost = {"ebpf": (500, 0.02), "nftables": (3, 0.055), "kube-proxy iptables-legacy": (9, 0.16), "kube-proxy iptables-nft": (12, 0.31),
            "kube-proxy nftables 1.35": (14, 0.12), "kube-proxy nftables 1.36": (13, 0.11)}
    for services in [1, 100, *SIZES[1:], 50000]:
        rounds = [noise(0.03) for _ in range(5)]
        of = subject("programming", "all Services into an empty kernel", "", "time", "ms", "less", services, 3)
        series(of, {way: base + each * services for way, (base, each) in cost.items()}, 0.06, rounds)
        of = subject("programming", "one endpoint changes", "", "p99", "us", "less", services, 3)
        series(of, {way: 8 if way == "ebpf" else 60 if way == "nftables" else 4000 + each * 800 * services
                    for way, (_, each) in cost.items()}, 0.08, rounds)
    lost = subject("disruption", "the agent restarts", "connections", "lost", "", "less")
    for way in ("ebpf", "nftables"):
        results["series"].append({"subject": lost, "way": way, "samples": [0.0] * 5})
    of = subject("agent", "10,000 Services x 10", "", "memory, resident", "MiB", "less")
    series(of, {"ebpf": 127, "nftables": 46}, 0.01, [1] * 5)
    of = subject("cni", "ADD", "", "time", "ms", "less")
    series(of, {"fairlead": 4.1, "bridge": 38, "ptp": 31}, 0.06, [1] * 9)


paths()
programming()
results["setting"] = {
    "commit": "0123456789ab", "version": "0.1.0", "started": "2026-11-21T18:00:00Z", "kernel": "6.1.0-28-amd64", "cpu": "AMD EPYC 7B13",
    "host": "node-1", "cores": 2, "memoryBytes": 8341000192,
    "mitigations": ["retbleed: Mitigation: untrained return thunk; SMT vulnerable", "spectre_v2: Mitigation: Retpolines, IBPB: conditional",
                    "meltdown: Not affected"],
    "command": "fairlead bench --quick --parts paths,programming --services 1,1000,10000 # </script><b>\u00b5",
}
results["notMeasured"] = [
    {"part": "paths", "what": "kube-proxy ipvs", "why": "this kernel has no IPVS: modprobe ip_vs: not found"},
    {"part": "paths", "what": "kube-proxy, a real one", "why": "no --kube-proxy PATH was given"},
]
json.dump(results, sys.stdout)
