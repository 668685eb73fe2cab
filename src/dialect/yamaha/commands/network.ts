// ip lan…, ip route …: addresses and routes (dialects.md B.4).
import { either, integer, oneOf } from '../../../config/schema/types.ts';
import { type Family, familyOf, networkOf } from '../../../net/address.ts';
import { type Command, looks } from '../command.ts';
import type { Draft } from '../draft.ts';
import { address, geOf, interfaceAddress, label, lan, lanOf, slot, tunnel } from '../slots.ts';

const place = 'head';
const lanSlot = slot(lan, 'Interface', 'インターフェース');
const at = (args: { readonly [slot: string]: unknown }) => `interface.${geOf(String(args.interface))}`;

/** Every geN that something is configured for. */
function interfaces(draft: Draft): string[] {
  const found = draft.below('interface.ge').map((path) => /^interface\.(ge\d+)\./.exec(path)?.[1] ?? '');
  return [...new Set(found)].sort((a, b) => Number(lanOf(a).slice(3)) - Number(lanOf(b).slice(3)));
}

const IPV6_WORDS: Readonly<Record<string, string>> = { auto: 'router-advertisement', dhcp: 'dhcp6' };

type Simple = {
  readonly words: string;
  readonly leaf: string;
  readonly type: Parameters<typeof slot>[0];
  readonly toLeaf?: (word: string | number) => string | number;
  readonly toWord?: (value: string | number) => string;
  readonly default?: string;
  readonly en: string;
  readonly ja: string;
};

/** `ip <interface> mtu <value>`: one setting of one interface. */
function simple({ words, leaf, type, toLeaf = (v) => v, toWord = String, en, ja, ...rest }: Simple): Command {
  const [first, ...others] = words.split(' ');
  return {
    place,
    help: { en, ja },
    ...looks(`${first} <interface> ${others.join(' ')} / <value>`, {
      interface: lanSlot,
      value: slot(type, en, ja),
    }),
    apply: (draft, args) => {
      draft.set(`${at(args)}.${leaf}`, toLeaf(args.value as string | number));
      return undefined;
    },
    reset: (draft, args) => {
      draft.set(`${at(args)}.${leaf}`, rest.default);
      return undefined;
    },
    print: (draft) =>
      interfaces(draft).flatMap((ge) => {
        const value = draft.configured(`interface.${ge}.${leaf}`);
        const word = value === undefined ? undefined : toWord(value);
        if (word === undefined || type.parse(word) === undefined) return [];
        return [[first, lanOf(ge), ...others, word]];
      }),
  };
}

/** Of several further addresses this command can say one: who has more of them keeps them. */
function setSecondary(draft: Draft, ge: string, values: readonly string[]): string | undefined {
  const held = draft.list(`${ge}.ipv4.alias.`, '.address');
  if (held.length > 1)
    return `it has ${held.length} further addresses, and this command says one: change them by interface.geN.ipv4.alias in SEIL's dialect`;
  draft.setList(`${ge}.ipv4.alias.`, '.address', values);
  return undefined;
}

const secondary: Command = {
  place,
  help: { en: 'A further address', ja: 'セカンダリIPアドレスの設定' },
  ...looks('ip <interface> secondary address / <address>', {
    interface: lanSlot,
    address: slot(interfaceAddress, 'Address', 'IPアドレス'),
  }),
  apply: (draft, args) => setSecondary(draft, at(args), [String(args.address)]),
  reset: (draft, args) => setSecondary(draft, at(args), []),
  print: (draft) =>
    interfaces(draft).flatMap((ge) =>
      draft
        .list(`interface.${ge}.ipv4.alias.`, '.address')
        .slice(0, 1)
        .map((value) => ['ip', lanOf(ge), 'secondary', 'address', String(value)]),
    ),
};

type Entry = {
  readonly destination: string;
  readonly gateway: string;
  readonly distance: number;
};

function routesOf(draft: Draft, family: Family): Entry[] {
  return draft.numbers(`route.ipv${family}.`).map((n) => {
    const value = (leaf: string) => draft.get(`route.ipv${family}.${n}.${leaf}`);
    const distance = Number(value('distance'));
    return { destination: String(value('destination')), gateway: String(value('gateway')), distance };
  });
}

/** Numbers of the routes to a destination, and the next that is free. */
function numbersOf(
  draft: Draft,
  family: Family,
  destination: string,
): { readonly own: number[]; readonly free: number } {
  let free = 0;
  const own: number[] = [];
  for (const path of draft.below(`route.ipv${family}.`)) {
    const n = Number(path.split('.')[2]);
    if (n >= free) free = n + 1;
    if (path.endsWith('.destination') && draft.configured(path) === destination) own.push(n);
  }
  return { own, free };
}

function forget(draft: Draft, family: Family, n: number): void {
  for (const leaf of ['destination', 'gateway', 'distance'])
    draft.set(`route.ipv${family}.${n}.${leaf}`, undefined);
}

/** What stands behind `gateway`: several words, so two slots. */
function gatewayOf(draft: Draft, args: { readonly [slot: string]: unknown }): string {
  if (args.tunnel !== undefined) return `ipsec${draft.tunnel(Number(args.tunnel))}`;
  if (args.interface !== undefined) return geOf(String(args.interface));
  if (args.lease !== undefined) return 'dhcp';
  return args.address === undefined ? 'discard' : String(args.address);
}

function gatewayWords(gateway: string): string[] {
  if (gateway === 'discard') return ['null'];
  if (gateway === 'dhcp') return ['dhcp', lanOf('ge0')];
  if (gateway.startsWith('ipsec')) return ['tunnel', String(Number(gateway.slice(5)) + 1)];
  return [gateway.startsWith('ge') ? lanOf(gateway) : gateway];
}

const metric = slot(integer(1, 15), 'Preference; the lowest wins (1)', 'メトリック');

function route(family: Family): Command[] {
  const words = family === 4 ? 'ip route' : 'ipv6 route';
  const destination = slot(
    {
      allowed: 'default, or a network',
      values: ['default'],
      parse: (t) => {
        if (t === 'default') return t;
        const network = interfaceAddress.parse(t);
        return network !== undefined && familyOf(String(network).split('/')[0]) === family
          ? networkOf(String(network))
          : undefined;
      },
    },
    'Where to',
    '宛先ネットワーク',
  );
  const next = { ...address, parse: (t: string) => (familyOf(t) === family ? address.parse(t) : undefined) };
  const slots = {
    destination,
    tunnel,
    metric,
    address: slot({ ...next, allowed: `an IPv${family} address` }, 'Next hop', 'ゲートウェイ'),
    interface: slot(lan, 'Interface', 'インターフェース'),
    lease: slot(lan, 'The interface that the network gives an address', 'DHCPで設定するインターフェース'),
  };
  const help = { en: 'A static route', ja: '静的経路の設定' };
  const kinds = [
    '<address>',
    '<interface>',
    'null',
    'tunnel <tunnel>',
    ...(family === 4 ? ['dhcp <lease>'] : []),
  ];
  const of = (draft: Draft, args: { readonly [slot: string]: unknown }): Entry => ({
    destination: String(args.destination),
    gateway: gatewayOf(draft, args),
    distance: Number(args.metric ?? 1),
  });
  const commands = kinds.map(
    (kind): Command => ({
      place,
      help,
      ...looks(`${words} <destination> / gateway ${kind} [metric <metric>]`, slots),
      apply: (draft, args) => {
        const entry = of(draft, args);
        const { own, free } = numbersOf(draft, family, entry.destination);
        // Several routes to one destination go by their metric; the same metric is the same route with another way.
        const distance = (n: number) => draft.configured(`route.ipv${family}.${n}.distance`) ?? 1;
        const n = own.find((m) => distance(m) === entry.distance) ?? free;
        for (const [leaf, value] of Object.entries(entry))
          draft.set(`route.ipv${family}.${n}.${leaf}`, value);
        return undefined;
      },
      reset: (draft, args) => {
        for (const n of numbersOf(draft, family, String(args.destination)).own) forget(draft, family, n);
        return undefined;
      },
    }),
  );
  const print = (draft: Draft) =>
    routesOf(draft, family).map((r) => [
      ...words.split(' '),
      r.destination,
      'gateway',
      ...gatewayWords(r.gateway),
      ...(r.distance === 1 ? [] : ['metric', String(r.distance)]),
    ]);
  return commands.map((c, i) => (i === 0 ? { ...c, print } : c));
}

const refused = (look: string, sentence: string): Command => ({
  place,
  help: { en: sentence, ja: '未対応' },
  ...looks(look, {
    destination: slot({ allowed: 'a network', parse: (t) => t }, 'Where to', '宛先ネットワーク'),
    anything: slot({ allowed: 'anything', parse: (t) => t }, 'Anything', '任意'),
  }),
  apply: () => sentence,
});

export const networkCommands: readonly Command[] = [
  ...route(4),
  refused(
    'ip route <destination> / gateway pp <anything>...',
    'PPPoE and PPP are known but not built yet: give the gateway itself',
  ),
  simple({
    words: 'description',
    leaf: 'description',
    type: label,
    en: 'A label for people',
    ja: 'インターフェースの説明',
  }),
  simple({
    words: 'ip address',
    leaf: 'ipv4.address',
    type: either(interfaceAddress, oneOf('dhcp')),
    en: 'Address of the interface',
    ja: 'IPアドレスの設定',
  }),
  secondary,
  simple({
    words: 'ip mtu',
    leaf: 'mtu',
    type: integer(576, 9216, 'octets'),
    en: 'Largest packet',
    ja: 'MTUの設定',
  }),
  simple({
    words: 'ip tcp mss limit',
    leaf: 'ipv4.tcp-mss',
    type: either(integer(536, 8960), oneOf('auto', 'off')),
    toLeaf: (word) => (word === 'off' ? 'none' : word),
    toWord: (value) => (value === 'none' ? 'off' : String(value)),
    default: 'none',
    en: 'Largest TCP segment let through (off)',
    ja: 'TCPセッションのMSS制限',
  }),
  simple({
    words: 'ipv6 address',
    leaf: 'ipv6.address',
    type: either(interfaceAddress, oneOf('auto', 'dhcp')),
    toLeaf: (word) => IPV6_WORDS[word] ?? word,
    toWord: (value) => Object.keys(IPV6_WORDS).find((word) => IPV6_WORDS[word] === value) ?? String(value),
    en: 'IPv6 address of the interface',
    ja: 'IPv6アドレスの設定',
  }),
  ...route(6),
];
