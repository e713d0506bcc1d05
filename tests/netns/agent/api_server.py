"""An API server of four resources in memory, for tests of the agent: list and watch as Kubernetes has them, over plain HTTP on
loopback. `PUT /test/RESOURCE` with an object adds or replaces it, `DELETE /test/RESOURCE/NAMESPACE/NAME` removes it.

Usage: api_server.py PORT [ADDRESS]
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

PATHS = {
    "/api/v1/services": "services",
    "/api/v1/nodes": "nodes",
    "/apis/discovery.k8s.io/v1/endpointslices": "endpointslices",
    "/apis/fairlead.io/v1alpha1/addresspools": "addresspools",
}
KINDS = {"services": ("v1", "Service"), "nodes": ("v1", "Node"), "endpointslices": ("discovery.k8s.io/v1", "EndpointSlice"),
         "addresspools": ("fairlead.io/v1alpha1", "AddressPool")}
GROUP = {"kind": "APIGroup", "apiVersion": "v1", "name": "discovery.k8s.io",
         "versions": [{"groupVersion": "discovery.k8s.io/v1", "version": "v1"}],
         "preferredVersion": {"groupVersion": "discovery.k8s.io/v1", "version": "v1"}}


class Cluster:
    def __init__(self):
        self.changed = threading.Condition()
        self.revision = 1
        self.objects = {name: {} for name in KINDS}
        self.events = []  # (revision, resource, type, object)
        self.pages = {}  # continue token -> (revision, the items still to come)

    def put(self, resource, items):
        with self.changed:
            for item in items:
                self.revision += 1
                metadata = item["metadata"]
                key = (metadata.get("namespace", ""), metadata["name"])
                kind = "MODIFIED" if key in self.objects[resource] else "ADDED"
                metadata["resourceVersion"] = str(self.revision)
                item["apiVersion"], item["kind"] = KINDS[resource]
                self.objects[resource][key] = item
                self.events.append((self.revision, resource, kind, item))
            self.changed.notify_all()

    def delete(self, resource, key):
        with self.changed:
            self.revision += 1
            item = dict(self.objects[resource].pop(key))
            item["metadata"] = dict(item["metadata"], resourceVersion=str(self.revision))
            self.events.append((self.revision, resource, "DELETED", item))
            self.changed.notify_all()

    def page(self, resource, limit, token):
        """One page of a list as (revision, items, next token, items left); later pages are of the moment of the first. None: the
        token is not one of ours, or was used."""
        with self.changed:
            revision, items = self.pages.pop(token, (None, None)) if token else (self.revision, list(self.objects[resource].values()))
            if items is None:
                return None
            rest = items[limit:] if limit else []
            following = f"{resource}-{revision}-{len(rest)}-{len(self.pages)}" if rest else ""
            if rest:
                self.pages[following] = (revision, rest)
            return revision, items[:limit] if limit else items, following, len(rest)

    def events_after(self, revision, resource, patience):
        """The events that came later, and the revision up to which there are no others."""
        with self.changed:
            self.changed.wait_for(lambda: self.revision > revision, timeout=patience)
            found = [event for event in self.events if event[0] > revision and event[1] == resource]
            return found, self.revision


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cluster = Cluster()

    def log_message(self, *_):
        pass

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def watch(self, resource, revision):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while True:
                events, revision = self.cluster.events_after(revision, resource, 30)
                lines = "".join(json.dumps({"type": kind, "object": item}) + "\n" for _, _, kind, item in events).encode()
                if lines:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(lines), lines))
                    self.wfile.flush()
        except OSError:
            self.close_connection = True

    def do_GET(self):
        url = urlparse(self.path)
        query = parse_qs(url.query)
        if url.path == "/apis/discovery.k8s.io":
            return self.answer(GROUP)
        resource = PATHS.get(url.path)
        if resource is None:
            return self.answer({"kind": "Status", "apiVersion": "v1", "code": 404, "reason": "NotFound"}, 404)
        if query.get("watch", ["0"])[0] in ("1", "true"):
            return self.watch(resource, int(query.get("resourceVersion", ["0"])[0] or 0))
        page = self.cluster.page(resource, int(query.get("limit", ["0"])[0]), query.get("continue", [""])[0])
        if page is None:
            return self.answer({"kind": "Status", "apiVersion": "v1", "code": 410, "reason": "Expired"}, 410)
        revision, items, following, left = page
        metadata = {"resourceVersion": str(revision)}
        if following:
            metadata |= {"continue": following, "remainingItemCount": left}
        version, kind = KINDS[resource]
        self.answer({"apiVersion": version, "kind": kind + "List", "metadata": metadata, "items": items})

    def do_PUT(self):
        value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.cluster.put(self.path.split("/")[2], value if isinstance(value, list) else [value])
        self.answer({})

    def do_DELETE(self):
        _, _, resource, namespace, name = self.path.split("/")
        self.cluster.delete(resource, (namespace, name))
        self.answer({})


if __name__ == "__main__":
    ThreadingHTTPServer((sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
