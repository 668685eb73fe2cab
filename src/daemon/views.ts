// What can be shown: one table, so that an unknown view lists what exists.

import { hostname } from 'node:os';
import pkg from '../../package.json' with { type: 'json' };
import type { Tree } from '../config/tree.ts';
import { type Dialect, print } from '../dialect/index.ts';
import { askClock } from '../host/chrony.ts';
import { kernelNeighbours, kernelRoutes } from '../host/iproute.ts';
import { countRules } from '../host/nftables.ts';
import { factsOf } from '../host/ports.ts';
import { OPEN } from '../plan/firewall.ts';
import { showGiven, showNeighbours, showPorts } from '../show/around.ts';
import { cryptoView, showCrypto } from '../show/crypto.ts';
import { filterView, showFilter } from '../show/filter.ts';
import { logLine } from '../show/log/seil.ts';
import { eventLine, yamahaLine } from '../show/log/yamaha.ts';
import { type MachineView, showMachine } from '../show/machine.ts';
import { showOverview, withRates } from '../show/overview.ts';
import { showIke, showInterface, showIpsec, showSecurityPolicy } from '../show/seil.ts';
import { ikeView, tunnelView } from '../show/view.ts';
import { showRoutes } from '../show/yamaha.ts';
import type { Changes } from './changes.ts';
import type { Firmware } from './firmware.ts';
import type { Answer, Request } from './protocol.ts';
import type { Router } from './router.ts';
import { numbersOf, yamahaView } from './yamaha-views.ts';

/** Of whom it is asked. */
export type Served = { readonly router: Router; readonly changes: Changes; readonly firmware: Firmware };

type View = { data: unknown; text: string };

/** Between two readings of the counters, for rates. */
const READING_MS = 500;

/** Of the log: what happened last that somebody should know. */
const LAST_EVENTS = 6;

async function overview({ router }: Served): Promise<View> {
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

const VIEWS: Readonly<Record<string, (served: Served) => View | Promise<View>>> = {
  overview,
  'status ike': ({ router }) => {
    const data = ikeView(router.source);
    return { data, text: showIke(data) };
  },
  'status ipsec': ({ router }) => {
    const data = tunnelView(router.source);
    return { data, text: showIpsec(data) };
  },
  'status ipsec.security-policy': ({ router }) => {
    const data = tunnelView(router.source);
    return { data, text: showSecurityPolicy(data) };
  },
  'status filter': async ({ router }) => {
    const { firewall = OPEN, links = [] } = router.desired ?? {};
    const data = filterView(firewall, links, await countRules());
    return { data, text: showFilter(data) };
  },
  'status port': async ({ router }) => {
    const data = (await router.ports()).map(({ name, device }) => ({
      ...{ interface: name, device },
      ...factsOf(device),
    }));
    return { data, text: showPorts(data) };
  },
  'status arp': async ({ router }) => {
    const links = router.desired?.links ?? [];
    const data = (await kernelNeighbours()).map((n) => ({
      ...n,
      interface: links.find((l) => l.device === n.device)?.name ?? n.device,
    }));
    return { data, text: showNeighbours(data) };
  },
  'status route': async ({ router }) => {
    const links = router.desired?.links ?? [];
    const data = (await kernelRoutes()).map(({ destination, gateway, device, own }) => ({
      ...{ destination, gateway: gateway || '-' },
      interface: links.find((l) => l.device === device)?.name ?? device,
      kind: own ? ('static' as const) : ('implicit' as const),
    }));
    return { data, text: showRoutes(data, 'en') };
  },
  'status dhcp': ({ router }) => ({ data: router.given, text: showGiven(router.given) }),
  system: async ({ router, firmware }) => {
    const data = {
      ...{ ...router.machine, version: pkg.version, node: process.version, time: new Date().toISOString() },
      ...(firmware.slot === undefined ? {} : { slot: firmware.slot }),
      ...(await clockOf(router)),
    };
    return { data, text: showMachine(data) };
  },
  'system crypto': async ({ router }) => {
    const speeds = await router.dataplane.measureCrypto();
    const data = cryptoView(speeds, router.desired?.tunnels ?? [], tunnelView(router.source));
    return { data, text: showCrypto(data) };
  },
  log: ({ router }) => {
    const data = router.log.entries();
    return { data, text: data.map((e) => `${logLine(e)}\n`).join('') };
  },
  'log yamaha': ({ router }) => {
    const steps = router.log
      .trace()
      .map((t) => ({ ...t, text: eventLine(t.event, (c) => numbersOf(router, c)) }));
    // What the engine's steps do not say in Yamaha's words: reasons, the host, the configuration.
    const rest = router.log.entries().filter((e) => e.level !== 'debug');
    const data = [...steps, ...rest].sort((a, b) => a.sequence - b.sequence);
    return { data, text: data.map((e) => `${yamahaLine(e.time, e.text)}\n`).join('') };
  },
  config: ({ router }) => configuration(router.tree, 'seil'),
  'config yamaha': ({ router }) => configuration(router.tree, 'yamaha'),
  'config candidate': ({ changes }) => configuration(changes.candidate, 'seil'),
};

async function clockOf({ desired }: Router): Promise<Pick<MachineView, 'clock'>> {
  if (!desired?.services.clock) return {};
  return { clock: await askClock().catch((e: Error) => ({ trouble: e.message })) };
}

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

/** What can be shown, by the words behind `show`. */
function known(router: Router): string[] {
  const tunnels = (router.desired?.tunnels ?? []).map((t) => `status interface.${t.name}`);
  return [...Object.keys(VIEWS), ...tunnels];
}

/** The same with the other dialect's. */
export function names(router: Router): string[] {
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

export async function show(
  served: Served,
  { what, json = false, language = 'en' }: Extract<Request, { command: 'show' }>,
): Promise<Answer> {
  const { router } = served;
  const match = /^status interface(?:\.(\*|[a-z0-9*]+))?$/.exec(what);
  const name = match?.[1] ?? '';
  const view = match
    ? interfaceViews(router, name)
    : Object.hasOwn(VIEWS, what)
      ? await VIEWS[what](served)
      : await yamahaView(router, what, language);
  if (!view)
    return { ok: false, error: `There is nothing to show under "${what}": ${known(router).join(', ')}.` };
  return { ok: true, text: json ? `${JSON.stringify(view.data, null, 2)}\n` : view.text, data: view.data };
}
