"""vmlinux.py BZIMAGE OUT: the uncompressed kernel that a bzImage carries, which QEMU starts by its PVH entry.

Unpacking it in the guest would take longer than the rest of the boot. Where the payload is, is said by the setup header
(Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length).
"""
import lzma
import struct
import subprocess
import sys


def payload(image: bytes) -> bytes:
    if image[0x202:0x206] != b"HdrS":
        sys.exit("not a bzImage")
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    begin = (setup_sectors + 1) * 512 + offset
    return image[begin : begin + length]


def unpack(packed: bytes) -> bytes:
    # Behind the compressed stream are four bytes of length: decompressors of streams ignore them.
    if packed.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(packed)
    if packed.startswith(b"\x28\xb5\x2f\xfd"):
        return subprocess.run(["zstd", "-dqc"], input=packed[:-4], stdout=subprocess.PIPE, check=True).stdout
    sys.exit(f"packed in an unknown way: {packed[:8].hex()}")


with open(sys.argv[1], "rb") as file:
    kernel = unpack(payload(file.read()))
if kernel[:4] != b"\x7fELF":
    sys.exit("what is in it is no ELF file")
with open(sys.argv[2], "wb") as file:
    file.write(kernel)
