// dhcp …, dns …: addresses and names for the hosts inside (dialects.md B.4).

import type { ValueType } from '../../../config/schema/index.ts';
import { hostLabel, macAddress } from '../../../config/schema/services.ts';
import { either, integer, ipv4, ipv6, oneOf } from '../../../config/schema/types.ts';
import { ipv4Number, ipv4Of, networkOf } from '../../../net/address.ts';
import { type Command, looks } from '../command.ts';
import type { Draft } from '../draft.ts';
import { geOf, lan, lanOf, slot } from '../slots.ts';

const place = 'tail';
const SCOPE = 'dhcp.server.';
const scopeNumber = slot(integer(1, 65_535), 'Scope', 'DHCPスコープ番号');

const service: Command = {
  place,
  help: { en: 'Whether hosts inside get addresses from us', ja: 'DHCPの動作の設定' },
  ...looks('dhcp service / <what>', { what: slot(oneOf('server', 'relay'), 'server', 'server') }),
  apply: (draft, args) => {
    if (args.what === 'relay') return 'relay is known but not built: use server';
    draft.set('dhcp.server.service', 'enable');
    return undefined;
  },
  reset: (draft) => {
    draft.set('dhcp.server.service', undefined);
    return undefined;
  },
  print: (draft) => (draft.get('dhcp.server.service') === 'enable' ? [['dhcp', 'service', 'server']] : []),
};

/** "192.168.1.2-192.168.1.100/24" */
const range: ValueType = {
  allowed: 'a range with its mask, like 192.168.1.2-192.168.1.100/24',
  parse: (t) => {
    const [, first = '', last = '', length] = /^([\d.]+)-([\d.]+)\/(\d{1,2})$/.exec(t) ?? [];
    const [a, b] = [ipv4.parse(first), ipv4.parse(last)];
    if (a === undefined || b === undefined || Number(length) < 8 || Number(length) > 30) return undefined;
    return ipv4Number(String(a)) <= ipv4Number(String(b)) ? `${a}-${b}/${Number(length)}` : undefined;
  },
};

/** Minutes, or hours and minutes; whole hours are what there is. */
const expire: ValueType = {
  allowed: 'whole hours like 72:00',
  parse: (t) => {
    const [, hours, minutes = '0'] = /^(\d{1,4}):(\d\d)$/.exec(t) ?? [];
    return Number(minutes) === 0 && Number(hours) >= 1 && Number(hours) <= 8760
      ? `${Number(hours)}:00`
      : undefined;
  },
};

const USUAL_HOURS = 72;

/** The interface that is in a network: a scope is where its addresses are. */
function interfaceIn(draft: Draft, network: string): string | undefined {
  for (const n of draft.numbers('interface.ge')) {
    const own = String(draft.configured(`interface.ge${n}.ipv4.address`) ?? '');
    if (own.includes('/') && networkOf(own) === network) return `ge${n}`;
  }
  return undefined;
}

function scopeOf(draft: Draft, n: number) {
  const value = (leaf: string) => draft.configured(`${SCOPE}${n}.${leaf}`);
  const [first = '', length = ''] = String(value('pool.address') ?? '').split('/');
  const count = Number(value('pool.count'));
  if (first === '' || !(count > 0)) return undefined;
  return { first, length, last: ipv4Of(ipv4Number(first) + count - 1), value };
}

const scope: Command = {
  place,
  help: { en: 'Addresses that are given out', ja: 'DHCPスコープの定義' },
  ...looks('dhcp scope <scope> / <range> [gateway <gateway>] [expire <expire>]', {
    scope: scopeNumber,
    range: slot(range, 'Addresses', '割り当てるIPアドレスの範囲'),
    gateway: slot(ipv4, 'Gateway', 'ゲートウェイ'),
    expire: slot(expire, 'How long (72:00)', 'リース期間'),
  }),
  apply: (draft, args) => {
    const [ends, length] = String(args.range).split('/');
    const [first, last] = ends.split('-');
    const network = networkOf(`${first}/${length}`);
    const ge = interfaceIn(draft, network);
    if (ge === undefined)
      return `no interface is in ${network}: give one its address first, by ip lan1 address`;
    const at = `${SCOPE}${args.scope}`;
    draft.set(`${at}.interface`, ge);
    draft.set(`${at}.pool.address`, `${first}/${length}`);
    draft.set(`${at}.pool.count`, ipv4Number(last) - ipv4Number(first) + 1);
    draft.set(`${at}.gateway`, args.gateway as string | undefined);
    draft.set(
      `${at}.expire`,
      args.expire === undefined ? USUAL_HOURS : Number.parseInt(String(args.expire), 10),
    );
    return undefined;
  },
  reset: (draft, args) => {
    draft.forget(`${SCOPE}${args.scope}.`);
    return undefined;
  },
  print: (draft) =>
    draft.numbers(SCOPE).flatMap((n) => {
      const held = scopeOf(draft, n);
      if (!held || n < 1) return [];
      const { first, last, length, value } = held;
      if (interfaceIn(draft, networkOf(`${first}/${length}`)) !== value('interface')) return [];
      const hours = Number(draft.get(`${SCOPE}${n}.expire`));
      const gateway = value('gateway');
      const more = [
        ...(gateway === undefined ? [] : ['gateway', String(gateway)]),
        ...(hours === USUAL_HOURS ? [] : ['expire', `${hours}:00`]),
      ];
      return [['dhcp', 'scope', String(n), `${first}-${last}/${length}`, ...more]];
    }),
};

/** With colons alone, as they are written there. */
const mac: ValueType = {
  allowed: 'a MAC address like 02:00:5e:10:00:01',
  parse: (t) => (t.includes('-') ? undefined : macAddress.parse(t)),
};

function fixed(
  draft: Draft,
  n: number,
): { readonly i: number; readonly address: string; readonly mac: string }[] {
  const prefix = `${SCOPE}${n}.static.entry.`;
  return draft.numbers(prefix).map((i) => ({
    i,
    address: String(draft.configured(`${prefix}${i}.ip-address`) ?? ''),
    mac: String(draft.configured(`${prefix}${i}.mac-address`) ?? ''),
  }));
}

const bind: Command = {
  place,
  help: { en: 'A host that always gets the same address', ja: 'DHCP予約アドレスの設定' },
  ...looks('dhcp scope bind <scope> <address> / <mac>', {
    scope: scopeNumber,
    address: slot(ipv4, 'Address', 'IPアドレス'),
    mac: slot(mac, 'MAC address', 'MACアドレス'),
  }),
  apply: (draft, args) => {
    const n = Number(args.scope);
    if (!scopeOf(draft, n)) return `there is no scope ${n}: define it first, by dhcp scope ${n}`;
    const all = fixed(draft, n);
    const i = all.find((e) => e.address === args.address)?.i ?? (all.at(-1)?.i ?? -1) + 1;
    draft.set(`${SCOPE}${n}.static.entry.${i}.ip-address`, String(args.address));
    draft.set(`${SCOPE}${n}.static.entry.${i}.mac-address`, String(args.mac));
    return undefined;
  },
  reset: (draft, args) => {
    const n = Number(args.scope);
    for (const { i, address } of fixed(draft, n))
      if (address === args.address) draft.forget(`${SCOPE}${n}.static.entry.${i}.`);
    return undefined;
  },
  print: (draft) =>
    draft.numbers(SCOPE).flatMap((n) =>
      scopeOf(draft, n) && n > 0
        ? fixed(draft, n)
            .filter((e) => e.address !== '' && e.mac !== '')
            .map((e) => ['dhcp', 'scope', 'bind', String(n), e.address, e.mac])
        : [],
    ),
};

const DNS = 'dns-forwarder.';

/** Who is asked; with the first of them there is a service, for lan1. */
function setServers(draft: Draft, servers: readonly string[]): undefined {
  for (const path of draft.below(DNS)) if (/^dns-forwarder\.\d/.test(path)) draft.set(path, undefined);
  for (const [i, server] of servers.entries()) draft.set(`${DNS}${i}.address`, server);
  if (servers.length === 0) return undefined;
  return serve(draft);
}

function serve(draft: Draft): undefined {
  draft.set(`${DNS}service`, 'enable');
  if (draft.list(`${DNS}listen.`, '.interface').length === 0)
    draft.setList(`${DNS}listen.`, '.interface', [geOf('lan1')]);
  return undefined;
}

const serversOf = (draft: Draft) => draft.list(DNS, '.address').map(String);
const HOSTS = 'resolver.host-database.';

export const serviceCommands: readonly Command[] = [
  service,
  scope,
  bind,
  {
    place,
    help: { en: 'Whether we answer for names', ja: 'DNSを利用するか否かの設定' },
    ...looks('dns service / <what>', {
      what: slot(oneOf('recursive', 'off'), 'recursive or off', 'recursive または off'),
    }),
    apply: (draft, args) => {
      if (args.what !== 'off') return serve(draft);
      draft.set(`${DNS}service`, undefined);
      return undefined;
    },
    reset: (draft) => {
      draft.set(`${DNS}service`, undefined);
      return undefined;
    },
    print: (draft) => {
      const on = draft.get(`${DNS}service`) === 'enable';
      const servers = serversOf(draft).length > 0;
      return on && !servers ? [['dns', 'service', 'recursive']] : [];
    },
  },
  {
    place,
    help: { en: 'Where we answer for names', ja: 'DNSサーバーへアクセスできるホストの設定' },
    ...looks('dns host / <interface>...', { interface: slot(lan, 'Interface', 'インターフェース') }),
    apply: (draft, args) => {
      const list = [args.interface ?? []].flat().map((l) => geOf(String(l)));
      draft.setList(`${DNS}listen.`, '.interface', list);
      return undefined;
    },
    reset: (draft) => {
      draft.setList(`${DNS}listen.`, '.interface', []);
      return undefined;
    },
    print: (draft) => {
      const list = draft.list(`${DNS}listen.`, '.interface').map((ge) => lanOf(String(ge)));
      return list.length === 0 ? [] : [['dns', 'host', ...list]];
    },
  },
  {
    place,
    help: { en: 'Name servers that we ask', ja: 'DNSサーバーのIPアドレスの設定' },
    ...looks('dns server / <address>...', { address: slot(either(ipv4, ipv6), 'Address', 'IPアドレス') }),
    apply: (draft, args) => setServers(draft, [args.address ?? []].flat().map(String)),
    reset: (draft) => setServers(draft, []),
    print: (draft) => {
      const list = serversOf(draft);
      return list.length === 0 || list.some((s) => !/[.:]/.test(s)) ? [] : [['dns', 'server', ...list]];
    },
  },
  {
    place,
    help: { en: 'Name servers that the network outside tells us', ja: 'DHCPで通知されたDNSサーバーの利用' },
    ...looks('dns server dhcp / <interface>', { interface: slot(lan, 'Interface', 'インターフェース') }),
    apply: (draft) => setServers(draft, ['dhcp']),
    reset: (draft) => setServers(draft, []),
    print: (draft) => (String(serversOf(draft)) === 'dhcp' ? [['dns', 'server', 'dhcp', lanOf('ge0')]] : []),
  },
  {
    place,
    help: { en: 'A name that we know ourselves', ja: '静的DNSレコードの登録' },
    ...looks('dns static <kind> <name> / <address>', {
      kind: slot(oneOf('a', 'aaaa'), 'Kind of record', 'レコードの種別'),
      name: slot(hostLabel, 'Name', '名前'),
      address: slot(either(ipv4, ipv6), 'Address', 'IPアドレス'),
    }),
    apply: (draft, args) => {
      if ((args.kind === 'aaaa') !== String(args.address).includes(':'))
        return `${args.address} is no address of an ${String(args.kind)} record`;
      const all = draft.numbers(HOSTS);
      draft.set(`${HOSTS}${(all.at(-1) ?? -1) + 1}.hostname`, String(args.name));
      draft.set(`${HOSTS}${(all.at(-1) ?? -1) + 1}.address`, String(args.address));
      return undefined;
    },
    reset: (draft, args) => {
      for (const n of draft.numbers(HOSTS)) {
        const six = String(draft.configured(`${HOSTS}${n}.address`)).includes(':');
        if (draft.configured(`${HOSTS}${n}.hostname`) === args.name && six === (args.kind === 'aaaa'))
          draft.forget(`${HOSTS}${n}.`);
      }
      return undefined;
    },
    print: (draft) =>
      draft.numbers(HOSTS).flatMap((n) => {
        const [host, address] = ['hostname', 'address'].map((leaf) =>
          draft.configured(`${HOSTS}${n}.${leaf}`),
        );
        if (host === undefined || address === undefined) return [];
        return [
          ['dns', 'static', String(address).includes(':') ? 'aaaa' : 'a', String(host), String(address)],
        ];
      }),
  },
];
