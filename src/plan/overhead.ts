// How much an inner packet may hold, given what the path carries (RFC 4303 2, RFC 3948 2.1).
import { CIPHERS, HASHES } from '../ike/crypto/algorithm.ts';
import type { ChildPolicy } from '../ike/policy.ts';
import type { Family } from '../net/address.ts';

const OUTER = { 4: 20, 6: 40 } as const;
/** RFC 8200 5. On an interface with less the kernel has no IPv6 at all. */
export const IPV6_MINIMUM_MTU = 1280;

const UDP = 8;
const ESP_HEADER = 8;
const ESP_TRAILER = 2;

/** Of an IP header without options. */
export function ipOctets(family: Family): number {
  return OUTER[family];
}

/**
 * The largest inner packet in octets that fits into `outerMtu` under every suite that may be negotiated, UDP
 * encapsulation counted in: a NAT may appear at any renewal, and an MTU that moves breaks connections.
 */
export function innerMtu(outerMtu: number, policy: ChildPolicy, outer: Family = 4): number {
  const sizes = policy.ciphers.map((name) => {
    const c = CIPHERS[name];
    const icv = c.aead ? c.icvOctets : Math.max(...policy.hashes.map((h) => HASHES[h].icvOctets));
    const room = outerMtu - OUTER[outer] - UDP - ESP_HEADER - c.ivOctets - icv;
    const block = Math.max(c.blockOctets, 4);
    return Math.floor(room / block) * block - ESP_TRAILER;
  });
  return Math.min(...sizes);
}

/** MSS of a TCP segment that fills a packet of `mtu` octets, without options (RFC 9293 3.7.1). */
export function mssOf(mtu: number, family: 4 | 6): number {
  return mtu - (family === 4 ? 40 : 60);
}
