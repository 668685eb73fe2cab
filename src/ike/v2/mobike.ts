// A peer that moves (MOBIKE, RFC 4555): as responder we follow it to its new address. We never move ourselves: an
// address of ours that changes is a change of configuration, and begins anew.
import { addressBytes } from '../../net/address.ts';
import { compareBytes, concat } from '../../net/bytes.ts';
import { sameEndpoint } from '../../net/endpoint.ts';
import type { Core } from '../core.ts';
import { NOTIFY_V2 } from '../wire/numbers.ts';
import { findNotify, notify, type Payload } from '../wire/v2.ts';
import { rekeyChild } from './create-child-sa.ts';
import { moved } from './exchange.ts';
import { detectNat, natNotifies, natSource } from './ike-sa-init.ts';
import type { IkeSa } from './sa.ts';

/** Where a message came from and to. */
export type Path = { readonly from: IkeSa['remote']; readonly to: IkeSa['local'] };

/** What NO_NATS_ALLOWED must hold when nobody changed the addresses on the way (3.9): both addresses, both ports. */
function addressesOf({ from, to }: Path): Uint8Array {
  const ports = Uint8Array.of(from.port >> 8, from.port & 255, to.port >> 8, to.port & 255);
  return concat(addressBytes(from.address), addressBytes(to.address), ports);
}

/** What the answer to an INFORMATIONAL request carries for the sake of addresses (3.5, 3.7); the SA has moved by then. */
export function followPeer(core: Core, sa: IkeSa, payloads: readonly Payload[], path: Path): Payload[] {
  // Whoever asks whether we can be reached gets his words back.
  const cookie = findNotify(payloads, NOTIFY_V2.COOKIE2);
  const echo = cookie ? [notify(NOTIFY_V2.COOKIE2, cookie.data)] : [];
  if (!sa.mobike || !findNotify(payloads, NOTIFY_V2.UPDATE_SA_ADDRESSES)) return echo;
  // The tunnel's own address is fixed here.
  if (path.to.address !== sa.local.address) return [...echo, notify(NOTIFY_V2.UNACCEPTABLE_ADDRESSES)];
  const direct = findNotify(payloads, NOTIFY_V2.NO_NATS_ALLOWED);
  if (direct && compareBytes(direct.data, addressesOf(path)) !== 0)
    return [...echo, notify(NOTIFY_V2.UNEXPECTED_NAT_DETECTED)];
  sa.local = path.to;
  if (!sameEndpoint(sa.remote, path.from)) moved(core, sa, path.from);
  if (findNotify(payloads, NOTIFY_V2.NAT_DETECTION_SOURCE_IP)) {
    sa.nat = detectNat(sa, sa.spiR, payloads);
    const encapsulated = sa.nat.local || sa.nat.remote;
    // A NAT that came or went changes how ESP travels: a new child travels rightly.
    for (const child of [...sa.children]) if (child.encapsulated !== encapsulated) rekeyChild(core, child);
  }
  return [...echo, ...natNotifies(sa, sa.spiR, natSource(core, sa, sa.spiR))];
}
