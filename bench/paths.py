#!/usr/bin/env python3
"""What a connection costs through each datapath, beside the same connection made directly: `bench/paths.py BIN [JSON-FILE]`.

Each way has a world of its own, of namespaces, so that nothing is loaded or removed between two samples:

    client 198.18.0.250 --- 198.18.0.1 node --- pod   10.244.1.11 to .13, port 8080
                                           `--- local 10.244.1.2, in a cgroup of its own

`direct` has no datapath and no conntrack, and asks the pod's own address through the node's stack; `direct again` is a second
world of that kind, and says how much two equal worlds differ. Client and server share one CPU,
so that a rate is what the whole way costs and not how the scheduler placed them; rates are those of a second of CPU time of the
two, which other work on the machine disturbs less than a second of the clock. The samples of all ways follow each other closely,
round after round; a ratio is that of two samples of one round, and the table has their median and quartiles.
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile

import kube_proxy

NODE, CLIENT, LOCAL, POD_CIDR, CLUSTER_CIDR = "198.18.0.1", "198.18.0.250", "10.244.1.2", "10.244.1.0/24", "10.244.0.0/16"
PODS = ["10.244.1.11", "10.244.1.12", "10.244.1.13"]
CLUSTER_IP, CLUSTER_IP_PORT, NODE_PORT, POD_PORT = "11.255.0.1", 80, 30080, 8080
PINNED = ["nice", "-n", "-19", "taskset", "-c", "1"]
WAYS = ["direct", "direct again", "ebpf", "nftables", "kube-proxy nftables", "kube-proxy iptables"]


def run(*command, text=None):
    try:
        subprocess.run(command, check=True, input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except subprocess.CalledProcessError as error:
        sys.exit(f"bench: {' '.join(command)[:200]}: {error.stderr.strip()[:500]}")


def cgroup_root():
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(where)
    sys.exit("bench: no cgroup2 is mounted")


def address(network, number):
    return f"{network}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def kube_proxy_services(services, endpoints):
    """The same that `install` programs; the measured one is the last."""
    for number in range(services - 1):
        yield (f"bench/service-{number}:http", address(11, number + 1), 80, None,
               [f"{address(10, number * 7 + i)}:8080" for i in range(endpoints)])
    yield ("measured/service:http", CLUSTER_IP, CLUSTER_IP_PORT, NODE_PORT, [f"{pod}:{POD_PORT}" for pod in PODS])


class World:
    """The namespaces of one way, with its datapath programmed. Gone after close()."""

    def __init__(self, way, services, endpoints, binaries, scratch):
        self.way, self.binaries, self.server = way, binaries, None
        self.is_direct = way in ("direct", "direct again")
        self.prefix = f"flb-{os.getpid()}-{way.replace(' ', '-')}"
        self.cgroup = cgroup_root() / self.prefix
        self.pins = scratch / "bpffs" / self.prefix
        try:
            self.cgroup.mkdir()
            self._namespaces()
            self._datapath(services, endpoints)
            self._serve()
        except BaseException:
            self.close()
            raise

    def name(self, namespace):
        return f"{self.prefix}-{namespace}"

    def command(self, namespace, *command):
        # Not `ip netns exec`, which would hide the mounts below /sys.
        return ["nsenter", f"--net=/run/netns/{self.name(namespace)}", *command]

    def ip(self, namespace, arguments):
        run("ip", "-n", self.name(namespace), *arguments.split())

    def _namespaces(self):
        for namespace in ("node", "client", "pod", "local"):
            run("ip", "netns", "add", self.name(namespace))
            self.ip(namespace, "link set lo up")
        # A finished connection's port is free at once: else samples would differ by how many rest in TIME_WAIT.
        for namespace in ("client", "local"):
            run(*self.command(namespace, "sysctl", "-qw", "net.ipv4.ip_local_port_range=32768 65535", "net.ipv4.tcp_max_tw_buckets=0"))
        run(*self.command("node", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.tcp_max_tw_buckets=0"))
        for namespace, node_address, addresses in (("client", f"{NODE}/24", [f"{CLIENT}/24"]),
                                                   ("pod", "10.244.1.1/32", [f"{pod}/32" for pod in PODS]),
                                                   ("local", "10.244.1.1/32", [f"{LOCAL}/32"])):
            self.ip("node", f"link add {namespace} type veth peer name eth0 netns {self.name(namespace)}")
            self.ip("node", f"address add {node_address} dev {namespace}")
            self.ip("node", f"link set {namespace} up")
            self.ip(namespace, "link set eth0 up")
            for one in addresses:
                self.ip(namespace, f"address add {one} dev eth0")
            if namespace != "client":
                self.ip(namespace, "route add 10.244.1.1 dev eth0")
                self.ip(namespace, "route add default via 10.244.1.1")
        self.ip("client", f"route add {CLUSTER_CIDR} via {NODE}")
        for pod in PODS:
            self.ip("node", f"route add {pod} dev pod")
        self.ip("node", f"route add {LOCAL} dev local")

    def _install(self, *arguments):
        run(*self.command("node", str(self.binaries / "install"), self.way, "--pins", str(self.pins), "--cgroup", str(self.cgroup),
                          *arguments))

    def _datapath(self, services, endpoints):
        if self.way == "kube-proxy iptables":
            rules = kube_proxy.iptables(kube_proxy_services(services, endpoints), CLUSTER_CIDR)
            run(*self.command("node", "iptables-legacy-restore", "--noflush"), text=rules)
        elif self.way == "kube-proxy nftables":
            rules = kube_proxy.nftables(kube_proxy_services(services, endpoints), CLUSTER_CIDR, NODE, POD_CIDR)
            run(*self.command("node", "nft", "-f", "-"), text=rules)
        elif not self.is_direct:
            self._install("--services", str(services), "--endpoints", str(endpoints), "--node", NODE,
                          *(word for pod in PODS for word in ("--backend", pod)))

    def _serve(self):
        self.server = subprocess.Popen(self.command("pod", *PINNED, str(self.binaries / "traffic"), "server", str(POD_PORT)),
                                       stdout=subprocess.PIPE, text=True)
        if self.server.stdout.readline() != "ready\n":
            sys.exit("bench: no server")

    def sample(self, kind, client, target, seconds):
        """One sample of the load tool: {"count", "seconds", "cpu_us"}, and "server_us" beside the last."""
        to = {"pod": (PODS[0], POD_PORT), "node port": (NODE, NODE_PORT), "cluster IP": (CLUSTER_IP, CLUSTER_IP_PORT)}[
            "pod" if self.is_direct else target]
        before = self._server_ns()
        done = subprocess.run(self.command(client, *PINNED, str(self.binaries / "traffic"), kind, to[0], str(to[1]), str(seconds)),
                              stdout=subprocess.PIPE, text=True, timeout=60,
                              preexec_fn=lambda: (self.cgroup / "cgroup.procs").write_text("0") if client == "local" else None)
        if done.returncode != 0:
            sys.exit(f"bench: {kind} by {self.way} to the {target} failed")
        sample = json.loads(done.stdout)
        return {**sample, "server_us": (self._server_ns() - before) / 1000 / sample["count"]}

    def _server_ns(self):
        return int(pathlib.Path(f"/proc/{self.server.pid}/schedstat").read_text().split()[0])

    def close(self):
        if self.server:
            self.server.send_signal(signal.SIGKILL)
            self.server.wait()
        if self.way == "ebpf":
            subprocess.run(self.command("node", str(self.binaries / "install"), "ebpf", "--pins", str(self.pins), "--cgroup",
                                        str(self.cgroup), "--cleanup"), check=False)
        for namespace in ("node", "client", "pod", "local"):
            subprocess.run(["ip", "netns", "delete", self.name(namespace)], check=False)
        if self.cgroup.exists():
            self.cgroup.rmdir()


# What is measured: title, kind of traffic, client, target, and what of a sample counts; is more better?
RATE, CPU = "a CPU second", "client CPU us"
FIGURES = {RATE: lambda one: 1e6 / (one["cpu_us"] + one["server_us"]), CPU: lambda one: one["cpu_us"]}
TESTS = {
    "node port": [("connections", "client", "node port", RATE), ("requests", "client", "node port", RATE)],
    "cluster IP": [("connects", "local", "cluster IP", CPU), ("connections", "local", "cluster IP", CPU),
                   ("connections", "local", "cluster IP", RATE), ("requests", "local", "cluster IP", RATE),
                   ("stream", "local", "cluster IP", RATE)],
}


def measure(title, services, endpoints, ways, options, scratch):
    worlds = []
    try:
        for way in ways:
            worlds.append(World(way, services, endpoints, options.binaries, scratch))
        kinds = dict.fromkeys((kind, client, target) for kind, client, target, _ in TESTS[title])
        for kind, client, target in kinds:
            samples = {world.way: [] for world in worlds}
            for world in worlds:
                world.sample(kind, client, target, 0.1)
            for turn in range(options.rounds):
                for world in worlds if turn % 2 == 0 else reversed(worlds):
                    samples[world.way].append(world.sample(kind, client, target, options.seconds))
            for of_kind, of_client, of_target, figure in TESTS[title]:
                if (of_kind, of_client, of_target) == (kind, client, target):
                    yield from rows(title, services, endpoints, kind, figure, samples)
    finally:
        for world in worlds:
            world.close()


def rows(title, services, endpoints, kind, figure, samples):
    values = {way: [FIGURES[figure](one) for one in taken] for way, taken in samples.items()}
    for way, taken in values.items():
        ratios = [one / base for one, base in zip(taken, values["direct"])]
        low, middle, high = statistics.quantiles(ratios, n=4)
        yield {"test": title, "services": services, "endpoints": endpoints, "traffic": kind, "figure": figure, "way": way,
               "median": statistics.median(taken), "ratio": middle, "low": low, "high": high, "samples": len(taken)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("json", nargs="?")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.3, help="of one sample")
    parser.add_argument("--ways", default=",".join(WAYS), help="default: %(default)s")
    parser.add_argument("--cases", default="node port:1x3,node port:10000x3,cluster IP:5000x10")
    options = parser.parse_args()
    options.binaries = options.binaries.resolve()
    all_rows = []
    with tempfile.TemporaryDirectory(prefix="fairlead-bench.") as scratch:
        bpffs = pathlib.Path(scratch) / "bpffs"
        bpffs.mkdir()
        run("mount", "-t", "bpf", "bpf", str(bpffs))
        try:
            print(f"{'':>24} {'traffic':>12} {'figure':>14} {'way':>20} {'median':>10} {'to direct':>10}  quartiles", flush=True)
            for case in options.cases.split(","):
                title, size = case.split(":")
                services, endpoints = map(int, size.split("x"))
                for row in measure(title, services, endpoints, options.ways.split(","), options, pathlib.Path(scratch)):
                    all_rows.append(row)
                    print(f"{title + f' {services} x {endpoints}':>24} {row['traffic']:>12} {row['figure']:>14} {row['way']:>20} "
                          f"{row['median']:>10.2f} {row['ratio']:>10.3f}  {row['low']:.3f} to {row['high']:.3f}", flush=True)
        finally:
            run("umount", str(bpffs))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(all_rows) + "\n")


if __name__ == "__main__":
    main()
