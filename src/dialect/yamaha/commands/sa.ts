// What an SA is made of and how long it lives: groups, lifetimes, policies.
import { either, integer, oneOf } from '../../../config/schema/types.ts';
import { type Command, looks } from '../command.ts';
import type { Draft } from '../draft.ts';
import { gateway, names, network, onOff, policy, slot, toggle } from '../slots.ts';
import { CIPHERS, group } from './gateway.ts';
import { sendPairs } from './proxy-id.ts';

const place = 'gateway';
const of = (draft: Draft, args: { readonly gateway?: unknown }) => draft.gateway(Number(args.gateway));
const phase = (n: number, which: 1 | 2) => `interface.ipsec${n}.ike.proposal.phase${which}`;

const OLDEST = 'modp1024';

/** The second group waits beside until perfect forward secrecy is on. */
function secondGroup(draft: Draft, n: number): string | undefined {
  const pfs = draft.get(`${phase(n, 2)}.pfs-group`);
  const on = pfs !== 'none';
  const other = on && pfs !== draft.get(`${phase(n, 1)}.dh-group`) ? pfs : undefined;
  return (on ? other : draft.get(`interface.ipsec${n}.yamaha.phase2-group`)) as string | undefined;
}

function setGroups(draft: Draft, n: number, first: string, second: string | undefined, pfs: boolean): void {
  draft.set(`${phase(n, 1)}.dh-group`, first);
  draft.set(`${phase(n, 2)}.pfs-group`, pfs ? (second ?? first) : 'none');
  draft.set(`interface.ipsec${n}.yamaha.phase2-group`, pfs || second === first ? undefined : second);
}

const pfsOn = (draft: Draft, n: number) => draft.get(`${phase(n, 2)}.pfs-group`) !== 'none';

const groups: Command = {
  place,
  help: {
    en: 'Diffie-Hellman group; the second for perfect forward secrecy',
    ja: 'IKEが用いるグループの設定',
  },
  ...looks('ipsec ike group <gateway> / <first> [<second>]', { gateway, first: group, second: group }),
  apply: (draft, args) => {
    if (args.first === 'modp768' || args.second === 'modp768')
      return 'modp768 has been broken in public: use modp2048 or better';
    const n = of(draft, args);
    setGroups(draft, n, String(args.first), args.second as string | undefined, pfsOn(draft, n));
    return undefined;
  },
  reset: (draft, args) => {
    const n = of(draft, args);
    setGroups(draft, n, OLDEST, undefined, pfsOn(draft, n));
    return undefined;
  },
  print: (draft, n) => {
    const first = String(draft.get(`${phase(n, 1)}.dh-group`));
    const second = secondGroup(draft, n);
    if (first === OLDEST && second === undefined) return [];
    const number = String(draft.gatewayOf(n));
    return [['ipsec', 'ike', 'group', number, first, ...(second === undefined ? [] : [second])]];
  },
  begins: [['ike.proposal.phase1.dh-group', OLDEST]],
};

const pfs: Command = {
  place,
  help: { en: 'Perfect forward secrecy', ja: 'PFSを用いるか否かの設定' },
  ...looks('ipsec ike pfs <gateway> / <switch>', { gateway, switch: toggle }),
  apply: (draft, args) => {
    const n = of(draft, args);
    setGroups(
      draft,
      n,
      String(draft.get(`${phase(n, 1)}.dh-group`)),
      secondGroup(draft, n),
      args.switch === 'on',
    );
    return undefined;
  },
  reset: (draft, args) => {
    const n = of(draft, args);
    setGroups(draft, n, String(draft.get(`${phase(n, 1)}.dh-group`)), secondGroup(draft, n), false);
    return undefined;
  },
  print: (draft, n) => (pfsOn(draft, n) ? [['ipsec', 'ike', 'pfs', String(draft.gatewayOf(n)), 'on']] : []),
};

const LIFETIME = 28_800;
const KILO = 1024;
const REKEY = 75;

type Life = { readonly seconds: string; readonly rekey: string; readonly octets?: string };

function lifeOf(n: number, ike: boolean): Life {
  const at = `interface.ipsec${n}`;
  return ike
    ? { seconds: `${phase(n, 1)}.lifetime`, rekey: `${at}.yamaha.ike-rekey` }
    : {
        seconds: `${phase(n, 2)}.lifetime-of-time`,
        rekey: `${at}.yamaha.child-rekey`,
        octets: `${phase(n, 2)}.lifetime-of-byte`,
      };
}

const duration: Command = {
  place,
  help: { en: 'Lifetime of SAs', ja: 'SAの寿命の設定' },
  ...looks('ipsec ike duration <kind> <gateway> / <seconds> [<kilobytes>] [rekey <rekey>]', {
    kind: slot(oneOf('ipsec-sa', 'isakmp-sa', 'child-sa', 'ike-sa'), 'Which SA', 'SAの種別'),
    gateway,
    seconds: slot(integer(300, 691_200, 'seconds'), 'Seconds (28800)', '秒数'),
    kilobytes: slot(
      either(integer(100, 2_147_483_647, 'kilobytes'), oneOf('off')),
      'Traffic of an IPsec SA',
      'キロバイト数',
    ),
    rekey: slot(
      {
        allowed: '70% to 90%, or off',
        parse: (t) => (t === 'off' ? t : /^(?:[78]\d|90)%$/.test(t) ? t : undefined),
      },
      'When it is renewed (chosen here)',
      '更新のタイミング',
    ),
  }),
  apply: (draft, args) => {
    const ike = /^i(?:ke|sakmp)-/.test(String(args.kind));
    if (ike && args.kilobytes !== undefined)
      return 'an IKE SA has no lifetime in kilobytes: leave the number out';
    const life = lifeOf(of(draft, args), ike);
    draft.set(life.seconds, Number(args.seconds));
    const rekey =
      args.rekey === undefined
        ? REKEY
        : args.rekey === 'off'
          ? 'off'
          : Number.parseInt(String(args.rekey), 10);
    draft.set(life.rekey, rekey);
    const { kilobytes } = args;
    if (life.octets) draft.set(life.octets, typeof kilobytes === 'number' ? kilobytes * KILO : 'none');
    return undefined;
  },
  reset: (draft, args) => {
    const life = lifeOf(of(draft, args), /^i(?:ke|sakmp)-/.test(String(args.kind)));
    draft.set(life.seconds, LIFETIME);
    draft.set(life.rekey, undefined);
    if (life.octets) draft.set(life.octets, undefined);
    return undefined;
  },
  print: (draft, n) => {
    const old = draft.get(`interface.ipsec${n}.ike.version`) === 1;
    return [false, true].flatMap((ike) => {
      const life = lifeOf(n, ike);
      const octets = life.octets ? draft.get(life.octets) : 'none';
      const [seconds, rekey] = [draft.get(life.seconds), draft.get(life.rekey)];
      if (seconds === LIFETIME && octets === 'none' && rekey === REKEY) return [];
      const kilobytes = Number(octets) / KILO;
      const kind = ike ? (old ? 'isakmp-sa' : 'ike-sa') : old ? 'ipsec-sa' : 'child-sa';
      const more = [
        ...(Number.isInteger(kilobytes) ? [String(kilobytes)] : []),
        ...(rekey === REKEY ? [] : ['rekey', rekey === 'off' ? 'off' : `${rekey}%`]),
      ];
      if (Number(seconds) < 300) return [];
      return [['ipsec', 'ike', 'duration', kind, String(draft.gatewayOf(n)), String(seconds), ...more]];
    });
  },
  begins: [['ike.proposal.phase1.lifetime', LIFETIME]],
};

const MACS: Readonly<Record<string, string>> = {
  'md5-hmac': 'hmac-md5',
  'sha-hmac': 'hmac-sha1',
  'sha256-hmac': 'hmac-sha256',
  'sha384-hmac': 'hmac-sha384',
  'sha512-hmac': 'hmac-sha512',
};
const AEAD = ['aes-gcm', 'aes256-gcm', 'chacha20-poly1305'];

const wordsFor = (table: Readonly<Record<string, string>>, values: readonly unknown[]) =>
  values.map((v) => Object.entries(table).find(([, value]) => value === v)?.[0] ?? '?').join(',');

const LISTS = {
  encryption: ['encryption.', '.algorithm'],
  authentication: ['authentication.', '.algorithm'],
} as const;

const saPolicy: Command = {
  place,
  help: { en: 'How the packets of a policy are protected, and with which gateway', ja: 'SAのポリシーの定義' },
  ...looks(
    'ipsec sa policy <policy> / <gateway> esp <encryption> [<authentication>] [anti-replay-check=<check>] [local-id=<local>] [remote-id=<remote>]',
    {
      policy,
      gateway,
      encryption: slot(names(CIPHERS), 'Cipher; several with commas between them', '暗号アルゴリズム'),
      authentication: slot(names(MACS), 'Integrity; several with commas between them', '認証アルゴリズム'),
      check: slot(onOff, 'Whether repeated packets are dropped', 'シーケンス番号のチェックを行うか否か'),
      local: slot(network, 'Our side of the traffic', '自分側のID'),
      remote: slot(network, "The peer's side of the traffic", '相手側のID'),
    },
  ),
  apply: (draft, args) => {
    const ciphers = String(args.encryption).split(',');
    const plain = ciphers.filter((c) => !AEAD.includes(c));
    if (plain.length > 0 && args.authentication === undefined)
      return `${plain[0]} without an authentication algorithm lets packets be changed on the way: add sha256-hmac`;
    if (args.check === 'off')
      return 'anti-replay-check=off is not built: packets that come late are taken within a window of 4096';
    const n = draft.policy(Number(args.policy), Number(args.gateway));
    const at = phase(n, 2);
    draft.setList(
      `${at}.${LISTS.encryption[0]}`,
      LISTS.encryption[1],
      ciphers.map((c) => CIPHERS[c]),
    );
    const macs =
      args.authentication === undefined
        ? []
        : String(args.authentication)
            .split(',')
            .map((m) => MACS[m]);
    draft.setList(`${at}.${LISTS.authentication[0]}`, LISTS.authentication[1], macs);
    for (const side of ['local', 'remote']) {
      const given = args[side];
      if (given === undefined) continue;
      draft.set(`${at}.proxy-id.ipv${String(given).includes(':') ? 6 : 4}.${side}`, String(given));
      sendPairs(draft, n);
    }
    return undefined;
  },
  reset: (draft, args) => {
    const n = draft.objects().find((o) => draft.policyOf(o) === Number(args.policy));
    if (n === undefined) return undefined;
    if (draft.get(`interface.ipsec${n}.administration`) === 'up')
      return `tunnel ${n + 1} is up by policy ${args.policy}: give the policy anew, or take the tunnel down first by tunnel disable ${n + 1}`;
    for (const [prefix, suffix] of Object.values(LISTS))
      draft.setList(`${phase(n, 2)}.${prefix}`, suffix, []);
    return undefined;
  },
  print: (draft, n) => {
    const at = phase(n, 2);
    const ciphers = draft.list(`${at}.${LISTS.encryption[0]}`, LISTS.encryption[1]);
    const macs = draft.list(`${at}.${LISTS.authentication[0]}`, LISTS.authentication[1]);
    const encryption = wordsFor(CIPHERS, ciphers);
    const bare =
      encryption.split(',').every((c) => AEAD.includes(c)) &&
      draft.below(`${at}.authentication.`).length === 0;
    const ids = [String(draft.policyOf(n)), String(draft.gatewayOf(n))];
    return [['ipsec', 'sa', 'policy', ...ids, 'esp', encryption, ...(bare ? [] : [wordsFor(MACS, macs)])]];
  },
};

const authenticationHeader: Command = {
  place,
  help: { en: 'AH is not built: use esp', ja: 'AHには対応していない' },
  ...looks('ipsec sa policy <policy> / <gateway> ah <anything>...', {
    policy,
    gateway,
    anything: slot({ allowed: 'anything', parse: (t) => t }, 'Anything', '任意'),
  }),
  apply: () => 'ah is known but not built, and protects no secret: use esp with sha256-hmac',
};

/** In the order in which they are printed: the policy first, then what its gateway is. */
export const policyCommands: readonly Command[] = [saPolicy, authenticationHeader];
export const saCommands: readonly Command[] = [duration, groups, pfs];
