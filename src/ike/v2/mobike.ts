// Addresses that change while an IKE SA stands (MOBIKE, RFC 4555): the peer's, to which we follow it, and ours, of which we
// tell it. Who began may move, who answered follows.
import { type Address, addressBytes } from '../../net/address.ts';
import { compareBytes, concat } from '../../net/bytes.ts';
import { sameEndpoint } from '../../net/endpoint.ts';
import type { Connection, Core } from '../core.ts';
import { EXCHANGE, NOTIFY_V2, NOTIFY_V2_STATUS, nameOf } from '../wire/numbers.ts';
import { findNotify, notify, type Payload } from '../wire/v2.ts';
import { rekeyChild } from './create-child-sa.ts';
import { enqueue, moved, proceed, request } from './exchange.ts';
import { detectNat, natNotifies, natSource } from './ike-sa-init.ts';
import { lost } from './lifecycle.ts';
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
  if (sa.mobike !== 'theirs' || !findNotify(payloads, NOTIFY_V2.UPDATE_SA_ADDRESSES)) return echo;
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

/** The IKE SAs of a connection that may go on from another address of ours. */
export function movable({ sas }: Connection): IkeSa[] {
  return [...sas].filter((sa): sa is IkeSa => sa.version === 2 && sa.mobike === 'ours');
}

/** Our address has changed: the peer is told from the new one, and the children get SAs that know it (3.5). */
export function move(core: Core, connection: Connection, address: Address): void {
  for (const sa of movable(connection)) {
    // Also what is under way is sent again from there.
    sa.local = { ...sa.local, address };
    if (sa.state !== 'established') continue;
    core.note('info', 'moved', connection, `our address is ${address} now: telling ${sa.remote.address}`);
    enqueue(sa, () => (sa.state === 'established' ? announce(core, sa) : proceed(sa)));
  }
}

function announce(core: Core, sa: IkeSa): void {
  const payloads = [
    notify(NOTIFY_V2.UPDATE_SA_ADDRESSES),
    ...natNotifies(sa, sa.spiR, natSource(core, sa, sa.spiR)),
  ];
  request(core, sa, EXCHANGE.INFORMATIONAL, payloads, 'UPDATE_SA_ADDRESSES', (answer) => {
    const refusal = answer.find((p) => p.type === 'notify' && p.notify < NOTIFY_V2_STATUS);
    if (refusal?.type === 'notify') {
      const text = `the peer answered ${nameOf(NOTIFY_V2, refusal.notify)} to our new address`;
      return lost(core, sa, { code: 'PEER_REFUSED', text });
    }
    if (findNotify(answer, NOTIFY_V2.NAT_DETECTION_SOURCE_IP)) sa.nat = detectNat(sa, sa.spiR, answer);
    for (const child of [...sa.children]) rekeyChild(core, child);
  });
}
