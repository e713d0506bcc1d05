#!/usr/bin/env python3
"""Prints the colours of a PNG (8 bits, RGB or RGBA, as Chromium writes them), the most frequent first: `colours.py FILE.png`.

Each line is "#rrggbb part-of-all".
"""

import collections
import struct
import sys
import zlib


def chunks(data):
    at = 8
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8:at + 8 + size]
        at += size + 12


def paeth(left, above, corner):
    near = left + above - corner
    return min((left, above, corner), key=lambda one: abs(near - one))


def unfilter(kind, line, above, step):
    """PNG specification, section 9: each byte was written as the difference to its neighbours."""
    for i in range(len(line) if kind else 0):
        left, corner = (line[i - step], above[i - step]) if i >= step else (0, 0)
        line[i] = (line[i] + (left, above[i], (left + above[i]) // 2, paeth(left, above[i], corner))[kind - 1]) & 255


def main():
    with open(sys.argv[1], "rb") as file:
        parts = list(chunks(file.read()))
    width, _, depth, colour = struct.unpack_from(">IIBB", dict(parts)[b"IHDR"])
    if depth != 8 or colour not in (2, 6):
        sys.exit(f"{sys.argv[1]}: depth {depth}, colour type {colour}")
    step = 3 if colour == 2 else 4
    data = zlib.decompress(b"".join(body for kind, body in parts if kind == b"IDAT"))
    counts, above = collections.Counter(), bytearray(width * step)
    for at in range(0, len(data), width * step + 1):
        line = bytearray(data[at + 1:at + 1 + width * step])
        unfilter(data[at], line, above, step)
        counts.update(bytes(line[i:i + 3]) for i in range(0, len(line), step))
        above = line
    for pixel, count in counts.most_common():
        print(f"#{pixel.hex()} {count / counts.total():.4f}")


main()
