"""Rulesets in the shape that kube-proxy gives them, for N Services of M endpoints: what the same traffic costs with its two
Linux modes. Written after what kube-proxy 1.34 programs; policies Cluster, no affinity, a cluster CIDR.

A Service is (name, ClusterIP, port, NodePort or None, ["ADDRESS:PORT", ...]).
"""

import base64
import hashlib
from collections.abc import Iterable

Service = tuple[str, str, int, int | None, list[str]]


def short_hash(text: str, length: int) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:length]


def iptables(services: Iterable[Service], cluster_cidr: str) -> str:
    """For iptables-restore."""
    chains, entry, rules, node_ports = [], [], [], []
    for name, address, port, node_port, endpoints in services:
        to_service = "KUBE-SVC-" + short_hash(f"{name}tcp", 16)
        chains.append(to_service)
        entry.append(f'-A KUBE-SERVICES -m comment --comment "{name} cluster IP" -m tcp -p tcp -d {address}/32 --dport {port} -j {to_service}')
        rules.append(f"-A {to_service} -m tcp -p tcp -d {address}/32 --dport {port} ! -s {cluster_cidr} -j KUBE-MARK-MASQ")
        if node_port:
            to_external = "KUBE-EXT-" + short_hash(f"{name}tcp", 16)
            chains.append(to_external)
            node_ports.append(f"-A KUBE-NODEPORTS -m comment --comment {name} -m tcp -p tcp --dport {node_port} -j {to_external}")
            rules += [f"-A {to_external} -j KUBE-MARK-MASQ", f"-A {to_external} -j {to_service}"]
        for index, endpoint in enumerate(endpoints):
            to_endpoint = "KUBE-SEP-" + short_hash(f"{name}tcp{endpoint}", 16)
            chains.append(to_endpoint)
            left = len(endpoints) - index
            choice = f"-m statistic --mode random --probability {1 / left:.10f} " if left > 1 else ""
            rules.append(f"-A {to_service} {choice}-j {to_endpoint}")
            rules.append(f"-A {to_endpoint} -s {endpoint.split(':')[0]}/32 -j KUBE-MARK-MASQ")
            rules.append(f"-A {to_endpoint} -m tcp -p tcp -j DNAT --to-destination {endpoint}")
    new = "-m conntrack --ctstate NEW"
    return "\n".join([
        "*filter", *(f":{chain} - [0:0]" for chain in
                     ["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-NODEPORTS", "KUBE-PROXY-FIREWALL"]),
        f"-A INPUT {new} -j KUBE-EXTERNAL-SERVICES", "-A INPUT -j KUBE-NODEPORTS", f"-A INPUT {new} -j KUBE-PROXY-FIREWALL",
        f"-A FORWARD {new} -j KUBE-EXTERNAL-SERVICES", f"-A FORWARD {new} -j KUBE-SERVICES", "-A FORWARD -j KUBE-FORWARD",
        f"-A FORWARD {new} -j KUBE-PROXY-FIREWALL", f"-A OUTPUT {new} -j KUBE-SERVICES", f"-A OUTPUT {new} -j KUBE-PROXY-FIREWALL",
        "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP", "-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT",
        "-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "COMMIT",
        "*nat", *(f":{chain} - [0:0]" for chain in ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ", *chains]),
        "-A PREROUTING -j KUBE-SERVICES", "-A OUTPUT -j KUBE-SERVICES", "-A POSTROUTING -j KUBE-POSTROUTING",
        "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN", "-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000",
        "-A KUBE-POSTROUTING -j MASQUERADE --random-fully", "-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000",
        *entry, "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS", *node_ports, *rules, "COMMIT", ""])


_NFT_FRAME = """\
table ip kube-proxy {{
  set cluster-ips {{ type ipv4_addr; {cluster_ips} }}
  set nodeport-ips {{ type ipv4_addr; elements = {{ {node_address} }} }}
  set hairpin-connections {{ type ipv4_addr . ipv4_addr . inet_proto . inet_service; {hairpins} }}
  map no-endpoint-services {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  map no-endpoint-nodeports {{ type inet_proto . inet_service : verdict; }}
  map firewall-ips {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
{chains}
  map service-ips {{ type ipv4_addr . inet_proto . inet_service : verdict; {service_ips} }}
  map service-nodeports {{ type inet_proto . inet_service : verdict; {node_ports} }}
  chain services {{
    ip daddr . meta l4proto . th dport vmap @service-ips
    ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
  }}
  chain masquerading {{
    meta mark & 0x4000 != 0 meta mark set meta mark ^ 0x4000 masquerade fully-random
    ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random
  }}
  chain cluster-ips-check {{ ip daddr @cluster-ips reject; }}
  chain service-endpoints-check {{ ip daddr . meta l4proto . th dport vmap @no-endpoint-services; }}
  chain nodeport-endpoints-check {{ ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports; }}
  chain firewall-check {{ ip daddr . meta l4proto . th dport vmap @firewall-ips; }}
  chain filter-prerouting-pre-dnat {{ type filter hook prerouting priority -110; ct state new jump firewall-check; }}
  chain filter-output-pre-dnat {{ type filter hook output priority -110; ct state new jump firewall-check; }}
  chain filter-input {{
    type filter hook input priority 0
    ct state new jump nodeport-endpoints-check
    ct state new jump service-endpoints-check
  }}
  chain filter-forward {{
    type filter hook forward priority 0
    ct state new jump service-endpoints-check
    ct state new jump cluster-ips-check
  }}
  chain filter-output {{
    type filter hook output priority 0
    ct state new jump service-endpoints-check
    ct state new jump cluster-ips-check
  }}
  chain nat-prerouting {{ type nat hook prerouting priority -100; jump services; }}
  chain nat-output {{ type nat hook output priority -100; jump services; }}
  chain nat-postrouting {{ type nat hook postrouting priority 100; jump masquerading; }}
}}
"""


def _elements(lines: list[str]) -> str:
    return "elements = { " + ", ".join(lines) + " }" if lines else ""


def nftables(services: Iterable[Service], cluster_cidr: str, node_address: str, local_cidr: str) -> str:
    """For nft -f. One chain and one rule a Service, as since 1.36; `local_cidr` is of this node's pods."""
    chains, cluster_ips, service_ips, node_ports, hairpins = [], [], [], [], set()
    for name, address, port, node_port, endpoints in services:
        base = f"{short_hash(name, 8)}-{name.replace(':', '/')}"
        backends = ", ".join(f"{index} : {endpoint.replace(':', ' . ')}" for index, endpoint in enumerate(endpoints))
        chains.append(f"""  chain service-{base} {{
    ip daddr {address} tcp dport {port} ip saddr != {cluster_cidr} meta mark set meta mark | 0x4000
    meta l4proto tcp dnat ip to numgen random mod {len(endpoints)} map {{ {backends} }}
  }}""")
        cluster_ips.append(address)
        service_ips.append(f"{address} . tcp . {port} : goto service-{base}")
        if node_port:
            chains.append(f"  chain external-{base} {{ meta mark set meta mark | 0x4000; goto service-{base}; }}")
            node_ports.append(f"tcp . {node_port} : goto external-{base}")
        for endpoint in endpoints:
            ip, target_port = endpoint.split(":")
            if ip.startswith(local_cidr.rsplit(".", 1)[0] + "."):
                hairpins.add(f"{ip} . {ip} . tcp . {target_port}")
    return _NFT_FRAME.format(cluster_ips=_elements(cluster_ips), node_address=node_address, hairpins=_elements(sorted(hairpins)),
                             chains="\n".join(chains), service_ips=_elements(service_ips), node_ports=_elements(node_ports))
