// INFORMATIONAL (RFC 7296 1.4): liveness, Deletes, and notifies about errors.
import { Reader, u32Bytes } from '../../net/bytes.ts';
import { activate, type ChildSa, remove, STRAGGLER_MS, spiText } from '../child.ts';
import type { Core } from '../core.ts';
import { supervise } from '../supervise.ts';
import { EXCHANGE, NOTIFY_V2, NOTIFY_V2_STATUS, nameOf, PROTOCOL } from '../wire/numbers.ts';
import { findNotify, type Payload } from '../wire/v2.ts';
import { keepToken } from './crash.ts';
import { respond } from './exchange.ts';
import { drop, LAST_WORD_MS, limitAuthentication, lost } from './lifecycle.ts';
import { followPeer, type Path } from './mobike.ts';
import { adopt } from './rekey-ike.ts';
import { type IkeSa, within } from './sa.ts';

export function answerInformational(
  core: Core,
  sa: IkeSa,
  messageId: number,
  payloads: readonly Payload[],
  path: Path,
): void {
  const deletes = payloads.filter((p) => p.type === 'delete');
  if (deletes.some((p) => p.protocol === PROTOCOL.ISAKMP)) {
    respond(core, sa, EXCHANGE.INFORMATIONAL, messageId, []);
    endIke(core, sa);
    return;
  }
  const spis = deletes.filter((p) => p.protocol === PROTOCOL.ESP).flatMap((p) => p.spis);
  const ended = spis.flatMap((spi) => {
    const named = spi.length === 4 ? new Reader(spi).u32() : undefined;
    // A Delete that crosses a renewal of the IKE SA may name a child that the new one has inherited.
    const child = [...sa.connection.children].find((c) => c.spiOut === named);
    if (named !== undefined && !child) {
      sa.rekeying?.deleted.add(named);
      core.event({ about: within(sa, 'INFO'), did: 'unknown-child', spi: named });
    }
    return child ?? [];
  });
  // The answer names our half of each pair, unless we asked for its deletion ourselves (1.4.1).
  const own = ended.filter((c) => !c.closing).map((c) => u32Bytes(c.spiIn));
  respond(core, sa, EXCHANGE.INFORMATIONAL, messageId, [
    ...(own.length > 0 ? [{ type: 'delete' as const, protocol: PROTOCOL.ESP, spis: own }] : []),
    ...followPeer(core, sa, payloads, path),
  ]);
  keepToken(sa, payloads);
  const life = findNotify(payloads, NOTIFY_V2.AUTH_LIFETIME);
  if (life) limitAuthentication(core, sa, life.data);
  for (const child of ended) endChild(core, child);
  for (const p of payloads) {
    if (p.type !== 'notify' || p.notify >= NOTIFY_V2_STATUS) continue;
    if (p.notify === NOTIFY_V2.AUTHENTICATION_FAILED) {
      return lost(core, sa, {
        code: 'AUTHENTICATION',
        text: 'the peer withdrew: it does not accept our identity or key',
      });
    }
    core.note('warning', 'peer-complains', sa.connection, `the peer reports ${nameOf(NOTIFY_V2, p.notify)}`);
  }
}

function endIke(core: Core, sa: IkeSa): void {
  const { connection } = sa;
  if (sa.state === 'established') core.note('info', 'ike-deleted', connection, 'IKE SA deleted by the peer');
  adopt(core, sa);
  drop(core, sa, STRAGGLER_MS, LAST_WORD_MS);
  supervise(core, connection);
}

export function endChild(core: Core, child: ChildSa): void {
  const { connection } = child;
  const renewed = child.state === 'replaced';
  remove(core, child, STRAGGLER_MS);
  // The Delete of the old child is also the news that the peer has the new one.
  for (const next of connection.children) if (next.policy === child.policy) activate(core, next);
  if (!renewed)
    core.note('info', 'child-deleted', connection, `IPsec SA ${spiText(child.spiIn)} deleted by the peer`);
  supervise(core, connection);
}
