#!/usr/bin/env python3
"""What the agent's process takes of memory, with a cluster in its API server. Run in a network namespace of its own:
`unshare --net bench/programs/agent_memory.py AGENT [JSON-FILE]`, AGENT being the fairlead binary.

A row is one agent: the first finds an empty kernel; the second, started after the first was killed, finds all of it in place.
Memory is the kernel's own account: VmRSS once the first sync is done and changes have been taken, VmHWM from the start on.
"""

import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import ThreadingHTTPServer

root = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(root / "tests/netns/agent"))
from api_server import Handler  # noqa: E402

SERVICES, ENDPOINTS, CHANGES = 10_000, 10, 1_000
CREATED = "2026-01-01T00:00:00Z"


def address(network, number):
    return f"{network}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def uid(number):
    return f"0b2a4a0e-5f43-4c6f-9d53-{number:012}"


def metadata(name, number, **more):
    """As the API server has it, managedFields included, which are a third of an object."""
    return {"namespace": "bench", "name": name, "uid": uid(number), "creationTimestamp": CREATED, "generation": 1, **more,
            "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "time": CREATED,
                               "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                                                                      "f:ports": {}, "f:endpoints": {}, "f:addressType": {}}}]}


def service(number):
    ip = address(11, number + 1)
    return {"metadata": metadata(f"service-{number}", number, labels={"app": f"service-{number}"}),
            "spec": {"type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                     "internalTrafficPolicy": "Cluster", "sessionAffinity": "None", "selector": {"app": f"service-{number}"},
                     "ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080}]},
            "status": {"loadBalancer": {}}}


def endpoint(service_number, number):
    pod = service_number * 16 + number
    return {"addresses": [address(10, pod)], "conditions": {"ready": True, "serving": True, "terminating": False},
            "nodeName": f"node{pod % 100}", "zone": f"zone-{pod % 3}",
            "targetRef": {"kind": "Pod", "namespace": "bench", "name": f"service-{service_number}-6d4cf56db6-{number}", "uid": uid(pod)}}


def endpoint_slice(number, first=0):
    return {"metadata": metadata(f"service-{number}-abcde", number, labels={
                "app": f"service-{number}", "kubernetes.io/service-name": f"service-{number}",
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}),
            "addressType": "IPv4", "ports": [{"name": "http", "protocol": "TCP", "port": 8080}],
            "endpoints": [endpoint(number, first + i) for i in range(ENDPOINTS)]}


def ask(port, page):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=10).read().decode()
    except (urllib.error.URLError, OSError):
        return None  # not listening yet, or 503


def await_true(what, condition, agent, limit=120):
    end = time.monotonic() + limit
    while not condition():
        if agent.poll() is not None or time.monotonic() > end:
            sys.exit(f"bench: {what}: the agent ended, or took more than {limit} s")
        time.sleep(0.05)


def memory_mib(process, field):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(field + ":")).split()[1]) / 1024


def counted(name):
    lines = (ask(10249, "metrics") or "").splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def start_agent(binary, folder):
    config = folder / "agent.yaml"
    config.write_text(f"""apiVersion: fairlead.io/v1alpha1
kind: AgentConfiguration
nodeName: node1
kubeconfig: {folder}/kubeconfig
datapath: nftables
clusterCIDRs: [10.0.0.0/8]
serviceCIDRs: [11.0.0.0/8]
runtimeDirectory: {folder}/run
stateDirectory: {folder}/state
""")
    (folder / "kubeconfig").write_text("""apiVersion: v1
kind: Config
current-context: bench
contexts: [{name: bench, context: {cluster: bench, user: bench}}]
clusters: [{name: bench, cluster: {server: "http://127.0.0.1:8001"}}]
users: [{name: bench, user: {}}]
""")
    log = open(folder / "agent.log", "ab")
    return subprocess.Popen([binary, "agent", "--config", str(config)], stderr=log)


def measure(name, binary, folder, cluster):
    began = time.monotonic()
    agent = start_agent(binary, folder)
    try:
        await_true("the first sync", lambda: ask(10256, "readyz") is not None, agent)
        row = {"start": name, "services": SERVICES, "endpoints": ENDPOINTS, "ready_s": time.monotonic() - began,
               "synced_rss_mib": memory_mib(agent, "VmRSS"), "synced_peak_mib": memory_mib(agent, "VmHWM")}
        before = counted("kubeproxy_sync_proxy_rules_endpoint_changes_total")
        for number in range(CHANGES):
            cluster.put("endpointslices", [endpoint_slice(number * (SERVICES // CHANGES), 1 if name == "empty kernel" else 0)])
        await_true("the changes", lambda: counted("kubeproxy_sync_proxy_rules_endpoint_changes_total") >= before + CHANGES, agent)
        row |= {"rss_mib": memory_mib(agent, "VmRSS"), "peak_mib": memory_mib(agent, "VmHWM")}
    finally:
        agent.send_signal(signal.SIGKILL)
        agent.wait()
    return row


def main():
    binary = sys.argv[1]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    cluster = Handler.cluster
    cluster.put("nodes", [{"metadata": {"name": "node1"}, "status": {"addresses": [{"type": "InternalIP", "address": "198.18.0.1"}]}}])
    cluster.put("services", [service(i) for i in range(SERVICES)])
    cluster.put("endpointslices", [endpoint_slice(i) for i in range(SERVICES)])
    server = ThreadingHTTPServer(("127.0.0.1", 8001), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"{'agent, ' + str(SERVICES) + ' x ' + str(ENDPOINTS):>20} {'ready s':>8} {'synced RSS/peak MiB':>20} "
          f"{f'after {CHANGES} changes':>20}")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("empty kernel", "restart"):
            row = measure(name, binary, pathlib.Path(folder), cluster)
            synced, later = f"{row['synced_rss_mib']:.1f} / {row['synced_peak_mib']:.1f}", f"{row['rss_mib']:.1f} / {row['peak_mib']:.1f}"
            print(f"{name:>20} {row['ready_s']:>8.1f} {synced:>20} {later:>20}", flush=True)
            rows.append(row)
    if len(sys.argv) > 2:
        pathlib.Path(sys.argv[2]).write_text(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
