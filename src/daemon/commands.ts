// What the control socket can be asked: one table, so that an unknown request lists what exists.

import type { Dialect } from '../dialect/index.ts';
import { parseAddress } from '../net/address.ts';
import { showDiagnosis } from '../show/diagnosis.ts';
import { showFirmware } from '../show/firmware.ts';
import { showHistory } from '../show/history.ts';
import { ikeView, tunnelView } from '../show/view.ts';
import { benchLoopback, benchServe, benchTunnel } from './bench.ts';
import type { Changes } from './changes.ts';
import { diagnose } from './diagnose.ts';
import { compare, edit, stateOf } from './edit.ts';
import type { Answer, Caller, Request } from './protocol.ts';
import { makeReport } from './report.ts';
import type { Router } from './router.ts';
import { names, type Served, show } from './views.ts';
import { captureTunnel, exportKeys } from './watch.ts';

/** Requests that only look: everybody may. */
const LOOKING: readonly Request['command'][] = ['show', 'state', 'history', 'compare', 'firmware'];

export async function answer(
  served: Served,
  request: Request,
  caller: Caller,
  stop: () => Promise<void>,
): Promise<Answer> {
  const { router, changes, firmware } = served;
  if (caller.role !== 'admin' && !LOOKING.includes(request.command)) return forbidden(request.command);
  switch (request.command) {
    case 'show':
      return show(served, request);
    case 'state':
      return { ok: true, text: '', data: stateOf(router, changes, caller) };
    case 'history': {
      const data = changes.history();
      return { ok: true, text: showHistory(data), data };
    }
    case 'compare':
      return comparison(changes, request.back ?? 0, request.dialect ?? 'seil');
    case 'diagnose':
      return look(router, request);
    case 'report': {
      const data = await makeReport(
        names(router),
        (what, language) => show(served, { command: 'show', what, language }),
        stateOf(router, changes, caller),
      );
      return { ok: true, text: '', data };
    }
    case 'renew':
    case 'end':
      return again(router, request);
    case 'export-keys':
      return exportKeys(router, request, caller);
    case 'capture':
      return captureTunnel(router, request, caller);
    case 'bench-tunnel':
      return benchTunnel(router, request.connection, request.address);
    case 'bench-loopback':
      return benchLoopback(router, request.connection);
    case 'bench-serve':
      return benchServe();
    case 'firmware': {
      const data = await firmware.state();
      return { ok: true, text: showFirmware(data), data };
    }
    case 'firmware-install':
      return mayRestart(changes) ?? firmware.install(request.file);
    case 'firmware-health': {
      const data = await firmware.health();
      return { ok: true, text: data.missing.map((line) => `${line}\n`).join(''), data };
    }
    case 'reboot':
      return router.reboot()
        ? { ok: true, text: '' }
        : { ok: false, error: 'This machine is not ours alone: start it again by its own means.' };
    case 'stop':
      stop().catch((e: Error) =>
        router.log.add({ level: 'error', function: 'boot', code: 'stop', text: e.message }),
      );
      return { ok: true, text: '' };
    default:
      return edit(changes, request, caller);
  }
}

/** What is not saved would be missing after the start, and the update be blamed for it. */
function mayRestart(changes: Changes): Answer | undefined {
  const { unsaved } = changes.state();
  if (unsaved === 0) return undefined;
  const many = unsaved === 1 ? '1 setting is' : `${unsaved} settings are`;
  return { ok: false, error: `${many} not saved, and the update would start without: save first.` };
}

/** SAs that are renewed, or ended and begun anew. */
function again(router: Router, request: Extract<Request, { command: 'renew' | 'end' }>): Answer {
  const { connection } = request;
  const tunnels = router.desired?.tunnels ?? [];
  const meant = tunnels.filter(
    (t) => connection === undefined || t.name === connection || t.policy.name === connection,
  );
  if (meant.length === 0) {
    const known = tunnels.map((t) => t.name).join(', ') || 'none is configured';
    return { ok: false, error: `There is no tunnel ${connection ?? ''}: ${known}.` };
  }
  const sa = request.command === 'end' ? request.sa : undefined;
  if (sa !== undefined && !numbersNow(router).has(sa)) return { ok: false, error: `There is no SA ${sa}.` };
  for (const name of new Set(meant.map((t) => t.policy.name))) {
    if (request.command === 'end')
      router.input({ kind: 'end', connection: name, ...(sa === undefined ? {} : { sa }) });
    else
      for (const what of ['ike', 'child'] as const) router.input({ kind: 'rekey', connection: name, what });
  }
  return { ok: true, text: '' };
}

function numbersNow(router: Router): ReadonlySet<number> {
  const children = tunnelView(router.source).flatMap((t) =>
    t.children.flatMap((c) => [c.numbers.send, c.numbers.recv]),
  );
  return new Set([...ikeView(router.source).map((v) => v.number), ...children]);
}

function comparison(changes: Changes, back: number, dialect: Dialect): Answer {
  try {
    return { ok: true, text: compare(changes, back, dialect) };
  } catch (e) {
    return { ok: false, error: (e as Error).message };
  }
}

function forbidden(what: string): Answer {
  return { ok: false, error: `Only root and the router's owner may ${what}.` };
}

async function look(router: Router, request: Extract<Request, { command: 'diagnose' }>): Promise<Answer> {
  const { connection, ping, json } = request;
  const tunnels = (router.desired?.tunnels ?? []).map((t) => t.name);
  if (!tunnels.includes(connection)) {
    const known = tunnels.join(', ') || 'none is configured';
    return { ok: false, error: `There is no tunnel ${connection}: ${known}.` };
  }
  if (ping !== undefined && parseAddress(ping) === undefined)
    return { ok: false, error: `${ping} is no IP address.` };
  const data = await diagnose(router, connection, ping);
  const text = json ? `${JSON.stringify(data, null, 2)}\n` : showDiagnosis(connection, data);
  return { ok: true, text, data };
}
