// What lays open what passes: keys, and captures with keys. For administrators, for a time, and in the log.
import { capture } from '../host/capture.ts';
import { wayTo } from '../host/path.ts';
import type { Tables } from '../show/wireshark.ts';
import { KeyWindow } from './keys.ts';
import { pcapng } from './pcapng.ts';
import type { Answer, Caller, Request } from './protocol.ts';
import type { Router } from './router.ts';

/** The longest that keys may be asked for, in seconds. */
const LONGEST = 600;

function wrongTime(seconds: number): Answer | undefined {
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= LONGEST) return undefined;
  return { ok: false, error: `Give a time from 0 to ${LONGEST} seconds.` };
}

export async function exportKeys(
  router: Router,
  request: Extract<Request, { command: 'export-keys' }>,
  by: Caller,
): Promise<Answer> {
  const { connection, seconds } = request;
  const wrong = wrongTime(seconds) ?? unknown(router, connection);
  if (wrong) return wrong;
  note(
    router,
    `keys of ${connection ?? 'all tunnels'} are exported by ${by.name}, ${seconds === 0 ? 'those of now' : `for ${seconds} s`}`,
  );
  const data = await gather(router, connection, seconds);
  return { ok: true, text: '', data };
}

async function gather(router: Router, connection: string | undefined, seconds: number): Promise<Tables> {
  const window = new KeyWindow(connection);
  const close = router.watchKeys(window);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  close();
  return window.tables();
}

export async function captureTunnel(
  router: Router,
  request: Extract<Request, { command: 'capture' }>,
  by: Caller,
): Promise<Answer> {
  const { connection, seconds, keys } = request;
  const wrong = wrongTime(seconds) ?? unknown(router, connection);
  if (wrong) return wrong;
  const tunnel = router.desired?.tunnels.find((t) => t.name === connection);
  const sa = [...(router.engine.connections.get(tunnel?.policy.name ?? '')?.sas ?? [])].at(-1);
  const peer = tunnel?.policy.remote ?? sa?.remote.address;
  if (!tunnel || peer === undefined)
    return {
      ok: false,
      error: `Nobody knows yet where the peer of ${connection} is: capture once it has come.`,
    };
  const { device } = await wayTo(peer, tunnel.policy.local);
  // The fast ways of native ESP pass the kernel by, and so whoever listens there.
  const visible = router.desired?.nativeEsp === 'raw' || sa?.nat.local || sa?.nat.remote;
  if (!visible) slow(router, 1);
  try {
    let tables: Promise<Tables> | undefined;
    const captured = await capture(device, peer, seconds, () => {
      note(router, `${connection} is captured${keys ? ' with its keys' : ''} by ${by.name} for ${seconds} s`);
      if (keys) tables = gather(router, connection, seconds);
    });
    const gathered = await tables;
    const { octets, packets } = pcapng(
      captured.pcap,
      `${connection}, ${device}, ${tunnel.policy.local} and ${peer}`,
    );
    const file = Buffer.from(octets).toString('base64');
    const more = captured.note ? `; ${captured.note}` : '';
    return {
      ok: true,
      text: `${packets} packets${more}\n`,
      data: { pcapng: file, ...(gathered ? { tables: gathered } : {}) },
    };
  } catch (e) {
    return { ok: false, error: (e as Error).message };
  } finally {
    if (!visible) slow(router, -1);
  }
}

/** How many captures need the slow way now. */
const slowly = new WeakMap<Router, number>();

function slow(router: Router, one: 1 | -1): void {
  const captures = (slowly.get(router) ?? 0) + one;
  slowly.set(router, captures);
  router.dataplane.setNativeEsp(captures > 0 ? 'raw' : (router.desired?.nativeEsp ?? 'auto'));
}

function unknown(router: Router, connection: string | undefined): Answer | undefined {
  const tunnels = (router.desired?.tunnels ?? []).map((t) => t.name);
  if (connection === undefined || tunnels.includes(connection)) return undefined;
  return {
    ok: false,
    error: `There is no tunnel ${connection}: ${tunnels.join(', ') || 'none is configured'}.`,
  };
}

function note(router: Router, text: string): void {
  router.log.add({ level: 'warning', function: 'audit', code: 'audit', text });
}
