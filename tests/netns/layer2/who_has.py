"""Asks everybody on a link who has an address, by ARP or neighbour solicitation, and prints the MAC addresses of those that answer,
sorted, one a line.

Usage: who_has.py INTERFACE OWN_ADDRESS ADDRESS
"""

import ipaddress
import select
import socket
import struct
import sys
import time

QUIET = 0.3  # seconds without an answer: nobody else will
ASKED = 3


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def arp(mac, own, wanted):
    return b"\xff" * 6 + mac + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + mac + own + bytes(6) + wanted


def solicitation(mac, own, wanted):
    group = ipaddress.ip_address("ff02::1:ff00:0").packed[:13] + wanted[13:]
    body = struct.pack("!BBHI", 135, 0, 0, 0) + wanted + b"\x01\x01" + mac
    total = checksum(own + group + struct.pack("!II", len(body), 58) + body)
    body = body[:2] + struct.pack("!H", total) + body[4:]
    ip = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + own + group
    return b"\x33\x33" + group[12:] + mac + b"\x86\xdd" + ip + body


def answer_of(frame, wanted):
    """The MAC that the frame says the address has; None: it says nothing of it."""
    if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\x00\x02" and frame[28:32] == wanted:
        return frame[22:28]
    if frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 136 and frame[62:78] == wanted:
        ip = frame[14:]
        length = struct.unpack("!H", ip[4:6])[0]
        if checksum(ip[8:40] + struct.pack("!II", length, 58) + ip[40:40 + length]) != 0:
            sys.exit("a neighbour advertisement with a wrong checksum")
        return frame[80:86]
    return None


def main():
    interface, own, wanted = sys.argv[1], ipaddress.ip_address(sys.argv[2]).packed, ipaddress.ip_address(sys.argv[3]).packed
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    link.bind((interface, 0))
    mac = link.getsockname()[4]
    question = (arp if len(wanted) == 4 else solicitation)(mac, own, wanted)
    macs = set()
    for _ in range(ASKED):
        link.send(question)
        quiet_at = time.monotonic() + QUIET
        while (left := quiet_at - time.monotonic()) > 0:
            if not select.select([link], [], [], left)[0]:
                break
            frame, place = link.recvfrom(2048)
            answer = None if place[2] == socket.PACKET_OUTGOING else answer_of(frame, wanted)
            if answer:
                macs.add(answer.hex(":"))
    print("\n".join(sorted(macs)))


main()
