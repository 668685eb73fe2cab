// What the control socket can be asked: one table, so that an unknown request lists what exists.

import { hostname } from 'node:os';
import type { Tree } from '../config/tree.ts';
import { type Dialect, print } from '../dialect/index.ts';
import { countRules } from '../host/nftables.ts';
import { parseAddress } from '../net/address.ts';
import { OPEN } from '../plan/firewall.ts';
import { cryptoView, showCrypto } from '../show/crypto.ts';
import { showDiagnosis } from '../show/diagnosis.ts';
import { filterView, showFilter } from '../show/filter.ts';
import { showFirmware } from '../show/firmware.ts';
import { showHistory } from '../show/history.ts';
import { logLine } from '../show/log/seil.ts';
import { eventLine, yamahaLine } from '../show/log/yamaha.ts';
import { showOverview, withRates } from '../show/overview.ts';
import { showIke, showInterface, showIpsec, showSecurityPolicy } from '../show/seil.ts';
import { ikeView, tunnelView } from '../show/view.ts';
import { benchServe, benchTunnel } from './bench.ts';
import type { Changes } from './changes.ts';
import { diagnose } from './diagnose.ts';
import { compare, edit, stateOf } from './edit.ts';
import type { Firmware } from './firmware.ts';
import type { Answer, Caller, Request } from './protocol.ts';
import { makeReport } from './report.ts';
import type { Router } from './router.ts';
import { captureTunnel, exportKeys } from './watch.ts';
import { numbersOf, yamahaView } from './yamaha-views.ts';

type View = { data: unknown; text: string };

/** Between two readings of the counters, for rates. */
const READING_MS = 500;

/** Of the log: what happened last that somebody should know. */
const LAST_EVENTS = 6;

async function overview(router: Router): Promise<View> {
  const before = tunnelView(router.source);
  const started = performance.now();
  await new Promise((resolve) => setTimeout(resolve, READING_MS));
  const tunnels = withRates(before, tunnelView(router.source), (performance.now() - started) / 1000);
  const events = router.log
    .entries()
    .filter((e) => e.level !== 'debug')
    .slice(-LAST_EVENTS);
  const { links = [], hostname: name = hostname() } = router.desired ?? {};
  const data = {
    hostname: name,
    links: links.map(({ name, device, addresses }) => ({ name, device, addresses })),
    tunnels,
    events,
  };
  return { data, text: showOverview(data, new Date()) };
}

const VIEWS: Readonly<Record<string, (router: Router, changes: Changes) => View | Promise<View>>> = {
  overview,
  'status ike': (router) => {
    const data = ikeView(router.source);
    return { data, text: showIke(data) };
  },
  'status ipsec': (router) => {
    const data = tunnelView(router.source);
    return { data, text: showIpsec(data) };
  },
  'status ipsec.security-policy': (router) => {
    const data = tunnelView(router.source);
    return { data, text: showSecurityPolicy(data) };
  },
  'status filter': async (router) => {
    const { firewall = OPEN, links = [] } = router.desired ?? {};
    const data = filterView(firewall, links, await countRules());
    return { data, text: showFilter(data) };
  },
  'system crypto': async (router) => {
    const speeds = await router.dataplane.measureCrypto();
    const data = cryptoView(speeds, router.desired?.tunnels ?? [], tunnelView(router.source));
    return { data, text: showCrypto(data) };
  },
  log: (router) => {
    const data = router.log.entries();
    return { data, text: data.map((e) => `${logLine(e)}\n`).join('') };
  },
  'log yamaha': (router) => {
    const steps = router.log
      .trace()
      .map((t) => ({ ...t, text: eventLine(t.event, (c) => numbersOf(router, c)) }));
    // What the engine's steps do not say in Yamaha's words: reasons, the host, the configuration.
    const rest = router.log.entries().filter((e) => e.level !== 'debug');
    const data = [...steps, ...rest].sort((a, b) => a.sequence - b.sequence);
    return { data, text: data.map((e) => `${yamahaLine(e.time, e.text)}\n`).join('') };
  },
  config: (router) => configuration(router.tree, 'seil'),
  'config yamaha': (router) => configuration(router.tree, 'yamaha'),
  'config candidate': (_router, changes) => configuration(changes.candidate, 'seil'),
};

/** Without secrets; what the dialect cannot say is named behind it. */
function configuration(tree: Tree, dialect: Dialect): View {
  const { text, unexpressed } = print(tree, dialect, { maskSecrets: true });
  const named = unexpressed.map((key) => `# ${key} cannot be said here\n`).join('');
  return { data: { text, unexpressed }, text: text + named };
}

/** `status interface.ipsec0`, several by `policy*`, and by the short form `status interface` all. */
function interfaceViews(router: Router, name: string): View | undefined {
  const several = name === '' || name.endsWith('*');
  const start = name.replace('*', '');
  const data = tunnelView(router.source).filter(({ connection }) =>
    several ? connection.startsWith(start) : connection === name,
  );
  return data.length > 0 || several
    ? { data, text: data.map(showInterface).join('\n') || '(None)\n' }
    : undefined;
}

/** Requests that only look: everybody may. */
const LOOKING: readonly Request['command'][] = ['show', 'state', 'history', 'compare', 'firmware'];

/** Who answers. */
export type Served = { readonly router: Router; readonly changes: Changes; readonly firmware: Firmware };

export async function answer(
  { router, changes, firmware }: Served,
  request: Request,
  caller: Caller,
  stop: () => Promise<void>,
): Promise<Answer> {
  if (caller.role !== 'admin' && !LOOKING.includes(request.command)) return forbidden(request.command);
  switch (request.command) {
    case 'show':
      return show(router, changes, request);
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
        (what, language) => show(router, changes, { command: 'show', what, language }),
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
    case 'bench-serve':
      return benchServe();
    case 'firmware': {
      const data = await firmware.state();
      return { ok: true, text: showFirmware(data), data };
    }
    case 'firmware-install':
      return firmware.install(request.file);
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

/** What can be shown, by the words behind `show`. */
function known(router: Router): string[] {
  const tunnels = (router.desired?.tunnels ?? []).map((t) => `status interface.${t.name}`);
  return [...Object.keys(VIEWS), ...tunnels];
}

/** The same with the other dialect's. */
function names(router: Router): string[] {
  const gateways = tunnelView(router.source).map((t) => numbersOf(router, t.connection));
  const each = gateways.flatMap(({ gateway, tunnel }) => [
    `ipsec sa gateway ${gateway}`,
    `ipsec sa gateway ${gateway} detail`,
    `status tunnel ${tunnel}`,
  ]);
  return [
    ...known(router),
    'status interface',
    'ipsec sa',
    'ipsec sa gateway',
    'status tunnel',
    'ip route',
    ...each,
  ];
}

async function show(
  router: Router,
  changes: Changes,
  { what, json = false, language = 'en' }: Extract<Request, { command: 'show' }>,
): Promise<Answer> {
  const match = /^status interface(?:\.(\*|[a-z0-9*]+))?$/.exec(what);
  const name = match?.[1] ?? '';
  const view = match
    ? interfaceViews(router, name)
    : Object.hasOwn(VIEWS, what)
      ? await VIEWS[what](router, changes)
      : await yamahaView(router, what, language);
  if (!view)
    return { ok: false, error: `There is nothing to show under "${what}": ${known(router).join(', ')}.` };
  return { ok: true, text: json ? `${JSON.stringify(view.data, null, 2)}\n` : view.text, data: view.data };
}
