// ipsec ike …: who a gateway is and who we are to it, the key, and whether it lives.
import { either, hexOctets, hostName, integer, oneOf } from '../../../config/schema/types.ts';
import { type Address, familyOf, parseAddress } from '../../../net/address.ts';
import type { Args } from '../../grammar/match.ts';
import { type Command, looks, type Place } from '../command.ts';
import type { Draft } from '../draft.ts';
import { address, anyText, gateway, names, network, onOff, slot } from '../slots.ts';
import { chooseMode } from './gateway.ts';
import { pairs, sendPairs } from './proxy-id.ts';

const place = 'gateway';
const gatewayId = (draft: Draft, n: number) => String(draft.gatewayOf(n));
const of = (draft: Draft, args: { readonly gateway?: unknown }) => draft.gateway(Number(args.gateway));

function presharedKey(): Command[] {
  const type = anyText(128);
  const help = { en: 'The key shared with the gateway', ja: '事前共有鍵の登録' };
  const keys = (n: number) => [
    `interface.ipsec${n}.preshared-key`,
    `interface.ipsec${n}.preshared-key-octets`,
  ];
  const text = looks('ipsec ike pre-shared-key <gateway> / text <key>', {
    gateway,
    key: { ...slot(type, 'Key', '鍵'), secret: true },
  });
  const octets = looks('ipsec ike pre-shared-key <gateway> / <key>', {
    gateway,
    key: { ...slot(hexOctets(128), 'Key', '鍵'), secret: true },
  });
  const form = (look: typeof text, which: 0 | 1, word: readonly string[]): Command => ({
    ...{ place, help, ...look },
    apply: (draft, args) => {
      const both = keys(of(draft, args));
      draft.set(both[1 - which], undefined);
      draft.set(both[which], args.key as string);
      return undefined;
    },
    reset: (draft, args) => {
      for (const key of keys(of(draft, args))) draft.set(key, undefined);
      return undefined;
    },
    print: (draft, n) => {
      const key = draft.get(keys(n)[which]);
      return key === undefined
        ? []
        : [['ipsec', 'ike', 'pre-shared-key', gatewayId(draft, n), ...word, String(key)]];
    },
  });
  return [form(text, 0, ['text']), form(octets, 1, [])];
}

/** Kinds of names; several words for one. */
const NAME_TYPES: Readonly<Record<string, string>> = {
  'ipv4-addr': 'address',
  'ipv6-addr': 'address',
  fqdn: 'fqdn',
  'user-fqdn': 'user-fqdn',
  'rfc822-addr': 'user-fqdn',
  'key-id': 'key-id',
};

const IDENTITIES = ['address', 'fqdn', 'user-fqdn', 'key-id'];

function name(side: 'local' | 'remote', who: string, en: string, ja: string): Command {
  const words = `ipsec ike ${side} name`;
  const forget = (draft: Draft, n: number) => {
    const at = `interface.ipsec${n}.ike.${who}`;
    for (const type of IDENTITIES) draft.set(`${at}.${type}`, undefined);
    if (who === 'peers-identifier') draft.set(`${at}.distinguished-name`, undefined);
    draft.set(`${at}.type`, 'address');
  };
  return {
    place,
    help: { en, ja },
    ...looks(`${words} <gateway> / <name> [<type>]`, {
      gateway,
      name: slot(anyText(255), 'Name', '名前'),
      type: slot(oneOf(...Object.keys(NAME_TYPES), 'tel', 'tel-key'), 'Kind of name (key-id)', '名前の種別'),
    }),
    apply: (draft, args) => {
      const word = String(args.type ?? 'key-id');
      const type = NAME_TYPES[word];
      if (type === undefined)
        return `${word} is known but not built: use key-id, fqdn, user-fqdn or ipv4-addr`;
      const value = type === 'address' ? parseAddress(String(args.name)) : String(args.name);
      if (value === undefined)
        return `${args.name} is no IP address: another kind of name is fqdn, user-fqdn or key-id`;
      const n = of(draft, args);
      forget(draft, n);
      draft.set(`interface.ipsec${n}.ike.${who}.type`, type);
      draft.set(`interface.ipsec${n}.ike.${who}.${type}`, value);
      chooseMode(draft, n);
      return undefined;
    },
    reset: (draft, args) => {
      const n = of(draft, args);
      forget(draft, n);
      chooseMode(draft, n);
      return undefined;
    },
    print: (draft, n) => {
      const at = `interface.ipsec${n}.ike.${who}`;
      const type = String(draft.get(`${at}.type`));
      const value = draft.get(`${at}.${type}`);
      if (value === undefined || !IDENTITIES.includes(type)) return [];
      const family = type === 'address' ? `ipv${familyOf(String(value))}-addr` : type;
      return [[...words.split(' '), gatewayId(draft, n), String(value), family]];
    },
  };
}

type Ends = { readonly local: string | undefined; readonly remote: string | undefined };

/** Where nothing is said: the address of the interface outside. */
const OUTSIDE = 'ge0';

function endsOf(draft: Draft, n: number): Ends {
  const end = (which: string) =>
    (draft.get(`interface.ipsec${n}.ipv6.${which}`) ?? draft.get(`interface.ipsec${n}.ipv4.${which}`)) as
      | string
      | undefined;
  return { local: end('source'), remote: end('destination') };
}

/** Both ends are of one family, which is that of the address that is given. */
function setEnds(draft: Draft, n: number, { local = OUTSIDE, remote }: Ends): void {
  const given = [remote, local].find((end) => end !== undefined && parseAddress(end) !== undefined);
  const family = given ? familyOf(given) : 4;
  const at = `interface.ipsec${n}.ipv`;
  for (const f of [4, 6]) {
    for (const end of ['source', 'destination']) draft.set(`${at}${f}.${end}`, undefined);
  }
  const own = (end: string) => (parseAddress(end) === undefined ? family : familyOf(end as Address));
  draft.set(`${at}${own(local)}.source`, local);
  if (remote !== undefined) draft.set(`${at}${own(remote)}.destination`, remote);
}

const local: Command = {
  place,
  help: { en: 'Our outer address (that of lan2)', ja: '自分側セキュリティー・ゲートウェイのIPアドレス' },
  ...looks('ipsec ike local address <gateway> / <address>', {
    gateway,
    address: slot(address, 'Address', 'IPアドレス'),
  }),
  apply: (draft, args) => {
    const n = of(draft, args);
    setEnds(draft, n, { ...endsOf(draft, n), local: String(args.address) });
    return undefined;
  },
  reset: (draft, args) => {
    const n = of(draft, args);
    setEnds(draft, n, { ...endsOf(draft, n), local: undefined });
    return undefined;
  },
  print: (draft, n) => {
    const { local: end } = endsOf(draft, n);
    if (end === undefined || parseAddress(end) === undefined) return [];
    return [['ipsec', 'ike', 'local', 'address', gatewayId(draft, n), end]];
  },
  begins: [['ipv4.source', OUTSIDE]],
};

const remote: Command = {
  place,
  help: {
    en: "The gateway's address or host name; any: it comes from where it is",
    ja: '相手側セキュリティー・ゲートウェイのIPアドレス',
  },
  ...looks('ipsec ike remote address <gateway> / <address>', {
    gateway,
    address: slot(
      either(address, oneOf('any'), hostName),
      'Address, host name or any',
      'IPアドレス、ホスト名または any',
    ),
  }),
  apply: (draft, args) => {
    const n = of(draft, args);
    setEnds(draft, n, { ...endsOf(draft, n), remote: String(args.address) });
    return undefined;
  },
  reset: (draft, args) => {
    const n = of(draft, args);
    setEnds(draft, n, { ...endsOf(draft, n), remote: undefined });
    return undefined;
  },
  print: (draft, n) => {
    const { remote: end } = endsOf(draft, n);
    return end === undefined ? [] : [['ipsec', 'ike', 'remote', 'address', gatewayId(draft, n), end]];
  },
};

/** What Quick Mode says of the traffic; `any` says everything, and takes what the peer says. */
function trafficId(side: 'local' | 'remote', en: string, ja: string): Command {
  const at = (n: number) => `interface.ipsec${n}.ike.proposal.phase2.proxy-id`;
  const forget = (draft: Draft, n: number) => {
    for (const family of ['ipv4', 'ipv6']) draft.set(`${at(n)}.${family}.${side}`, undefined);
  };
  return {
    place,
    help: { en, ja },
    ...looks(`ipsec ike ${side} id <gateway> / <network>`, {
      gateway,
      network: slot(side === 'local' ? either(network, oneOf('any')) : network, 'Network', 'ネットワーク'),
    }),
    apply: (draft, args) => {
      const n = of(draft, args);
      forget(draft, n);
      const value = String(args.network);
      if (value !== 'any') draft.set(`${at(n)}.ipv${value.includes(':') ? 6 : 4}.${side}`, value);
      sendPairs(draft, n, value === 'any');
      return undefined;
    },
    reset: (draft, args) => {
      const n = of(draft, args);
      forget(draft, n);
      sendPairs(draft, n);
      return undefined;
    },
    print: (draft, n) => {
      const ids = pairs(draft, n);
      const sent = draft.get(`${at(n)}.send`) === 'enable';
      // A pair that is kept and not sent is nothing that a command says.
      if (!sent && ids.some((pair) => pair.length === 2)) return [];
      const own = ids.flat().filter((path) => path.endsWith(side));
      const all =
        side === 'local' && sent && ids.flat().length === 0 ? ['any'] : own.map((p) => String(draft.get(p)));
      return all.map((value) => ['ipsec', 'ike', side, 'id', gatewayId(draft, n), value]);
    },
    begins: [['ike.proposal.phase2.proxy-id.send', 'disable']],
  };
}

const DPD = { interval: 10, count: 6 } as const;

const keepalive: Command = {
  place,
  help: {
    en: 'Whether a silent gateway is asked whether it lives (DPD, RFC 3706; RFC 7296 2.4)',
    ja: 'IKEキープアライブ機能の設定',
  },
  ...looks('ipsec ike keepalive use <gateway> / <switch> [<kind> [<interval> [<count> [<wait>]]]]', {
    gateway,
    switch: slot(
      oneOf('on', 'off', 'auto'),
      'on, or off; auto answers only',
      'on、off または auto(応答のみ)',
    ),
    kind: slot(oneOf('dpd', 'rfc4306', 'heartbeat', 'icmp-echo'), 'dpd (IKEv1), rfc4306 (IKEv2)', '種別'),
    interval: slot(integer(1, 600, 'seconds'), 'Between two questions (10)', '送信間隔(秒)'),
    count: slot(integer(1, 50), 'Questions without an answer (6)', '応答なしと判断する回数'),
    wait: slot(integer(0, 1_000_000, 'seconds'), 'Before the first', '開始までの時間(秒)'),
  }),
  apply: (draft, args) => {
    if (args.kind === 'heartbeat' || args.kind === 'icmp-echo')
      return `${args.kind} is known but not built: use dpd under IKEv1, rfc4306 under IKEv2`;
    const at = `interface.ipsec${of(draft, args)}`;
    const on = args.switch === 'on';
    draft.set(`${at}.ike.dpd`, on ? 'enable' : 'disable');
    draft.set(`${at}.ike.dpd-interval`, on ? Number(args.interval ?? DPD.interval) : undefined);
    draft.set(`${at}.ike.dpd-maxfail`, on ? Number(args.count ?? DPD.count) : undefined);
    draft.set(`${at}.yamaha.keepalive-wait`, on ? Number(args.wait ?? 0) : undefined);
    return undefined;
  },
  reset: (draft, args) => {
    const at = `interface.ipsec${of(draft, args)}`;
    draft.set(`${at}.ike.dpd`, 'disable');
    for (const leaf of ['ike.dpd-interval', 'ike.dpd-maxfail', 'yamaha.keepalive-wait'])
      draft.set(`${at}.${leaf}`, undefined);
    return undefined;
  },
  print: (draft, n) => {
    const at = `interface.ipsec${n}`;
    if (draft.get(`${at}.ike.dpd`) !== 'enable') return [];
    const kind = draft.get(`${at}.ike.version`) === 1 ? 'dpd' : 'rfc4306';
    const own = (leaf: string) => String(draft.get(`${at}.ike.${leaf}`) ?? draft.get(`ike.${leaf}`));
    const wait = String(draft.get(`${at}.yamaha.keepalive-wait`));
    const numbers = [own('dpd-interval'), own('dpd-maxfail'), ...(wait === '0' ? [] : [wait])];
    return [['ipsec', 'ike', 'keepalive', 'use', gatewayId(draft, n), 'on', kind, ...numbers]];
  },
  begins: [['ike.dpd', 'disable']],
};

/** Seconds between NAT keepalives, and what stands for none of them. */
const NAT_KEEPALIVE = 300;
const NEVER = 100_000;

const natTraversal: Command = {
  place,
  help: {
    en: 'Whether ESP goes in UDP where there is a NAT',
    ja: 'IPsec NATトラバーサルを利用するための設定',
  },
  ...looks(
    'ipsec ike nat-traversal <gateway> / <switch> [keepalive=<seconds>] [force=<force>] [type=<type>]',
    {
      gateway,
      switch: slot(onOff, 'on or off', 'on または off'),
      seconds: slot(
        either(integer(30, NEVER, 'seconds'), oneOf('off')),
        'Between keepalives (300)',
        'キープアライブの送信間隔(秒)',
      ),
      force: slot(onOff, 'Also where there is none', '常に利用するか否か'),
      type: slot(integer(1, 2), 'Draft (all are met)', 'タイプ'),
    },
  ),
  apply: (draft, args) => {
    const at = `interface.ipsec${of(draft, args)}`;
    const on = args.switch === 'on';
    const seconds = args.seconds === 'off' ? NEVER : Number(args.seconds ?? NAT_KEEPALIVE);
    draft.set(`${at}.nat-traversal`, !on ? 'disable' : args.force === 'on' ? 'force' : 'enable');
    draft.set(`${at}.ike.nat-keepalive-interval`, on ? seconds : undefined);
    draft.set(`${at}.yamaha.nat-traversal-type`, on ? Number(args.type ?? 1) : undefined);
    return undefined;
  },
  reset: (draft, args) => {
    const at = `interface.ipsec${of(draft, args)}`;
    draft.set(`${at}.nat-traversal`, 'disable');
    draft.set(`${at}.ike.nat-keepalive-interval`, undefined);
    draft.set(`${at}.yamaha.nat-traversal-type`, undefined);
    return undefined;
  },
  print: (draft, n) => {
    const at = `interface.ipsec${n}`;
    const held = draft.get(`${at}.nat-traversal`);
    if (held === 'disable') return [];
    const leaf = 'nat-keepalive-interval';
    const seconds = draft.get(`${at}.ike.${leaf}`) ?? draft.get(`ike.${leaf}`);
    const type = draft.get(`${at}.yamaha.nat-traversal-type`);
    const more = [
      ...(seconds === NAT_KEEPALIVE ? [] : [`keepalive=${seconds}`]),
      ...(held === 'force' ? ['force=on'] : []),
      ...(type === 1 ? [] : [`type=${type}`]),
    ];
    return [['ipsec', 'ike', 'nat-traversal', gatewayId(draft, n), 'on', ...more]];
  },
  begins: [['nat-traversal', 'disable']],
};

const KINDS = { 'message-info': 0, 'payload-info': 0, 'key-info': 0 };

const kinds = { gateway, kind: slot(names(KINDS), 'Kind', '種類') };
const logHelp = { en: 'What the log tells of negotiations besides', ja: 'IKEのログの種類の設定' };

/** Of one gateway; without a number, of first messages, before it is known whose they are. */
function log(where: Place, look: string, target: (draft: Draft, args: Args) => string): Command {
  return {
    ...{ place: where, help: logHelp },
    ...looks(look, kinds),
    apply: (draft, args) => {
      const given = [args.kind ?? []].flat().map(String);
      draft.set(
        target(draft, args),
        Object.keys(KINDS)
          .filter((kind) => given.includes(kind))
          .join(' '),
      );
      return undefined;
    },
    reset: (draft, args) => {
      draft.set(target(draft, args), undefined);
      return undefined;
    },
    print: (draft, n) => {
      const one = where === 'gateway';
      const held = draft.get(one ? `interface.ipsec${n}.ike.log` : 'ike.log');
      const number = one ? [gatewayId(draft, n)] : [];
      return held === undefined ? [] : [['ipsec', 'ike', 'log', ...number, ...String(held).split(' ')]];
    },
  };
}

export const peerCommands: readonly Command[] = [
  keepalive,
  ...presharedKey(),
  local,
  trafficId('local', 'Our side of the traffic as Quick Mode names it; any: all of it', '自分側のID'),
  name('local', 'my-identifier', 'Our name', '自分側のセキュリティー・ゲートウェイの名前'),
  log(
    'gateway',
    'ipsec ike log <gateway> / <kind>...',
    (draft, args) => `interface.ipsec${of(draft, args)}.ike.log`,
  ),
  log('tail', 'ipsec ike log / <kind>...', () => 'ike.log'),
  natTraversal,
  remote,
  trafficId('remote', "The peer's side of the traffic as Quick Mode names it", '相手側のID'),
  name('remote', 'peers-identifier', "The gateway's name", '相手側のセキュリティー・ゲートウェイの名前'),
];
