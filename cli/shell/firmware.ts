// `firmware …`: an update is begun, and then looked at until it is over.
import { resolve } from 'node:path';
import type { FirmwareHealth, FirmwareState } from '../../src/daemon/protocol.ts';
import type { Args } from '../../src/dialect/grammar/match.ts';
import { type Outcome, type Session, said } from './session.ts';

const LOOK_MS = 500;

/** How long the router itself may take to answer at all. */
const ROUTER_PATIENCE_SECONDS = 300;

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

export async function installFirmware(session: Session, args: Args): Promise<Outcome> {
  const begun = await session.request({ command: 'firmware-install', file: resolve(String(args.file)) });
  if (!begun.ok) return said(begun);
  for (let last = ''; ; await pause(LOOK_MS)) {
    const answer = await session.request({ command: 'firmware' });
    if (!answer.ok) return said(answer);
    const { installing } = answer.data as FirmwareState;
    if (!installing) return { ok: false, text: 'The router has started anew: see `firmware status`.\n' };
    if (installing.error) return { ok: false, text: `${installing.error}\n` };
    if (installing.done) return { ok: true, text: `${installing.message}\n` };
    const line = `${String(installing.percent).padStart(3)}% ${installing.message}`;
    if (line !== last) process.stderr.write(`${line}\n`);
    last = line;
  }
}

/** Waits until everything works that worked before an update; fails with what does not. */
export async function firmwareHealth(session: Session): Promise<Outcome> {
  const began = performance.now();
  let patience = ROUTER_PATIENCE_SECONDS;
  for (;;) {
    const answer = await session
      .request({ command: 'firmware-health' })
      .catch((e: Error) => ({ ok: false as const, error: e.message }));
    const health = answer.ok ? (answer.data as FirmwareHealth) : { missing: [answer.error], patience };
    if (health.missing.length === 0) return { ok: true, text: 'Everything works as it did before.\n' };
    patience = health.patience;
    if (performance.now() - began > patience * 1000)
      return { ok: false, text: health.missing.map((line) => `${line}\n`).join('') };
    await pause(LOOK_MS * 2);
  }
}
