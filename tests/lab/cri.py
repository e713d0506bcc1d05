#!/usr/bin/python3
"""What a kubelet asks of a container runtime about pods, by gRPC: CRI's sandboxes, without a kubelet.

  cri.py SOCKET run NAME CGROUP     prints the sandbox's id
  cri.py SOCKET stop|remove ID

Messages are written field by field (protocol buffers, runtime.v1), so that no generated code is needed.
"""
import sys

import grpc


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def first_text(message):
    """The first field of an answer that has nothing but texts shorter than 128 bytes."""
    return message[2:2 + message[1]].decode() if message else ""


def sandbox(name, cgroup):
    metadata = field(1, name) + field(2, "uid-" + name) + field(3, "default")
    return field(1, metadata) + field(2, name) + field(8, field(1, cgroup))


def main():
    socket, verb, subject = sys.argv[1:4]
    channel = grpc.insecure_channel("unix:" + socket, options=[("grpc.default_authority", "localhost")])

    def call(method, request):
        stub = channel.unary_unary("/runtime.v1.RuntimeService/" + method, bytes, bytes)
        return stub(request, timeout=60)

    if verb == "run":
        print(first_text(call("RunPodSandbox", field(1, sandbox(subject, sys.argv[4])))))
    else:
        call({"stop": "StopPodSandbox", "remove": "RemovePodSandbox"}[verb], field(1, subject))


main()
