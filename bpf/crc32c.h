// The CRC32c of SCTP (RFC 9260 appendix A), changed by what changed, without a look at the packet.
//
// A CRC is linear: that of a packet with other ports is the old one, exclusive or that of the
// difference alone with as many zero bytes behind it as the packet has bytes behind its ports. Zero
// bytes multiply by x^8 each, modulo the polynomial, so what this costs is a product for each bit
// of the packet's length, and not a step for each of its bytes.
//
// Polynomials are kept as the CRC has them: the highest bit is the coefficient of x^0.
#pragma once

#include <linux/types.h>

#define FL_CRC32C_POLYNOMIAL 0x82f63b78U
#define FL_CRC32C_ONE 0x80000000U
#define FL_CRC32C_X8 0x00800000U

/// a times b.
__attribute__((noinline)) __u32 crc32c_product(__u32 a, __u32 b) {
  __u32 product = 0;
  for (int i = 0; i < 32; ++i) {
    product ^= b & -(a >> 31);
    a <<= 1;
    b = (b >> 1) ^ (FL_CRC32C_POLYNOMIAL & -(b & 1));  // times x
  }
  return product;
}

/// What is to be added (exclusive or) to the checksum of an SCTP packet of `bytes`, less than 64
/// KiB, whose first four bytes have changed by `difference`: both as they lie in memory.
__attribute__((noinline)) __u32 crc32c_change(__u32 difference, __u32 bytes) {
  // Of the four bytes themselves it is difference times x^32, and so counts them as well.
  __u32 change = difference;
  __u32 power = FL_CRC32C_X8;
  for (int bit = 0; bit < 16 && bytes; ++bit, bytes >>= 1) {
    if (bytes & 1) change = crc32c_product(change, power);
    power = crc32c_product(power, power);
  }
  return change;
}
