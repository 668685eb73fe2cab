// tunnel …, ip tunnel …: the interface that carries packets (dialects.md B.3).
import { either, integer, ipv4, oneOf } from '../../../config/schema/types.ts';
import { type Command, looks, setting } from '../command.ts';
import type { Draft } from '../draft.ts';
import { ENABLED, interfaceAddress, label, onOff, policy, slot, toggle, tunnel } from '../slots.ts';

const place = 'tunnel';
/** Behind the policy. */
const link = 'link';
const of = 'tunnel';
const selected = true;

const bind: Command = {
  place,
  selected,
  help: { en: 'Binds a policy to the selected tunnel', ja: '使用するSAのポリシーの設定' },
  ...looks('ipsec tunnel / <policy>', { policy }),
  apply: (draft, args, t) => {
    draft.bind(t, Number(args.policy));
    return undefined;
  },
  reset: () =>
    'a tunnel always has a policy here: bind another one, or take the tunnel away with no tunnel select',
  print: (draft, n) => [['ipsec', 'tunnel', String(draft.policyOf(n))]],
};

const UP = { up: 'up', down: 'down' } as const;

/** `tunnel enable 1 2` and `tunnel enable all`; the selected one where no number is given. */
function administration(word: 'enable' | 'disable', to: keyof typeof UP, en: string, ja: string): Command {
  const other = to === UP.up ? UP.down : UP.up;
  const run =
    (value: string) => (draft: Draft, args: { readonly [slot: string]: unknown }, selectedTunnel: number) => {
      const named = [args.tunnel ?? []].flat();
      const all = named.includes('all');
      const numbers = named.length === 0 ? [selectedTunnel] : named.map(Number);
      if (numbers.includes(0)) return 'give the number of a tunnel, or all';
      const objects = all ? draft.objects() : numbers.map((t) => draft.tunnel(t));
      for (const n of objects) draft.set(`interface.ipsec${n}.administration`, value);
      return undefined;
    };
  const look = looks(`tunnel ${word} / [<tunnel>...]`, {
    tunnel: slot(
      either(tunnel.type, oneOf('all')),
      'Tunnels, or all',
      'トンネルインターフェース番号または all',
    ),
  });
  return {
    place: link,
    help: { en, ja },
    pattern: look.pattern,
    no: look.no.slice(0, -1).concat(look.pattern.slice(2)),
    apply: run(to),
    reset: run(other),
    ...(to === UP.up
      ? {
          print: (draft: Draft, n: number) =>
            draft.get(`interface.ipsec${n}.administration`) === UP.up
              ? [['tunnel', 'enable', String(n + 1)]]
              : [],
        }
      : {}),
  };
}

export const tunnelCommands: readonly Command[] = [
  setting({
    ...{ place, of, look: 'tunnel encapsulation / <kind>' },
    slots: {
      kind: slot(
        oneOf('ipsec', 'ipip', 'pptp', 'l2tp', 'l2tpv3', 'l2tpv3-raw', 'ipudp', 'map-e', 'hb46pp'),
        'Kind of tunnel',
        'トンネルの種別',
      ),
    },
    bind: [{ slot: 'kind', leaf: 'yamaha.encapsulation', fallback: 'ipsec' }],
    help: { en: 'What the tunnel is', ja: 'トンネルインターフェースの種別' },
  }),
  setting({
    ...{ place, of, look: 'tunnel type / <kind>' },
    slots: { kind: slot(oneOf('point-to-point', 'multipoint'), 'Between how many', '種別') },
    bind: [{ slot: 'kind', leaf: 'yamaha.tunnel-type', fallback: 'point-to-point' }],
    help: { en: 'Between how many the tunnel is', ja: 'トンネルの形態' },
  }),
  setting({
    ...{ place, of, look: 'description tunnel / <text>' },
    slots: { text: slot(label, 'A label', '説明') },
    bind: [{ slot: 'text', leaf: 'description' }],
    help: { en: 'A label for people', ja: 'インターフェースの説明' },
  }),
  bind,
  setting({
    ...{ place: link, of, look: 'ipsec tunnel outer df-bit / <bit>' },
    slots: { bit: slot(oneOf('copy', 'set', 'clear'), 'DF bit of the outer header', '外側のDFビット') },
    bind: [{ slot: 'bit', leaf: 'tx-df-set', fallback: 'copy' }],
    help: { en: 'DF bit of the outer header', ja: '外側ヘッダーのDFビットの制御' },
  }),
  setting({
    ...{ place: link, of, look: 'ipsec tunnel fastpath-fragment-function follow df-bit / <switch>' },
    slots: { switch: toggle },
    bind: [{ slot: 'switch', leaf: 'yamaha.follow-df-bit', words: ENABLED, fallback: 'disable' }],
    help: { en: 'Whether the fast path looks at the DF bit', ja: 'ファストパスでDFビットに従うか否か' },
  }),
  setting({
    ...{ place: link, of, look: 'ipsec ipcomp type / <kind>' },
    slots: { kind: slot(oneOf('none', 'deflate'), 'Compression', '圧縮方式') },
    bind: [{ slot: 'kind', leaf: 'yamaha.ipcomp', fallback: 'none' }],
    help: { en: 'Compression of packets', ja: 'IPCompによるデータ圧縮' },
  }),
  setting({
    ...{ place: link, of, look: 'ip tunnel address / <address>' },
    slots: { address: slot(either(interfaceAddress, ipv4), 'Address of the tunnel', 'IPアドレス') },
    bind: [{ slot: 'address', leaf: 'ipv4.address', fallback: 'ge1' }],
    help: { en: 'Inner address (that of lan1)', ja: 'トンネルインターフェースのIPアドレス' },
  }),
  setting({
    ...{ place: link, of, look: 'ip tunnel remote address / <address>' },
    slots: { address: slot(ipv4, 'Inner address of the peer', 'IPアドレス') },
    bind: [{ slot: 'address', leaf: 'ipv4.remote' }],
    help: { en: "The peer's inner address", ja: 'トンネルインターフェースの相手側のIPアドレス' },
  }),
  setting({
    ...{ place: link, of, look: 'ip tunnel mtu / <mtu>' },
    slots: {
      mtu: slot(
        either(integer(576, 9216, 'octets'), oneOf('auto')),
        'Largest packet (1280); auto: what the path leaves',
        'MTU(auto: 経路に従う)',
      ),
    },
    bind: [{ slot: 'mtu', leaf: 'mtu', absent: 'auto', fallback: 1280 }],
    help: { en: 'Largest inner packet', ja: 'MTUの設定' },
  }),
  setting({
    ...{ place: link, of, look: 'ip tunnel tcp mss limit / <mss>' },
    slots: { mss: slot(either(integer(536, 8960), oneOf('auto', 'off')), 'Largest TCP segment', 'MSS') },
    bind: [{ slot: 'mss', leaf: 'ipv4.tcp-mss', words: { off: 'none' }, fallback: 'auto' }],
    help: { en: 'Largest TCP segment let through', ja: 'TCPセッションのMSS制限' },
  }),
  setting({
    ...{ place: link, of, look: 'ipv6 tunnel forward / <switch>' },
    slots: { switch: slot(onOff, 'Whether IPv6 goes through', 'IPv6を通すか否か') },
    bind: [{ slot: 'switch', leaf: 'ipv6.forward', words: { on: 'pass', off: 'block' }, fallback: 'pass' }],
    help: { en: 'Whether IPv6 packets go through the tunnel', ja: 'IPv6パケットを転送するか否か' },
  }),
  administration('enable', UP.up, 'Has the tunnel be there', 'トンネルインターフェースを有効にする'),
  administration(
    'disable',
    UP.down,
    'Takes the tunnel down and keeps its settings',
    'トンネルインターフェースを無効にする',
  ),
];

/** Forgets a tunnel, its policy and its gateway. */
export const removeTunnel: Command = {
  place,
  help: { en: 'Takes a tunnel away with all its settings', ja: 'トンネルインターフェースを設定ごと削除する' },
  pattern: [
    { kind: 'word', text: 'no' },
    { kind: 'word', text: 'tunnel' },
    { kind: 'word', text: 'select' },
    { kind: 'slot', name: 'tunnel', ...tunnel },
  ],
  apply: (draft, args) => {
    const name = `ipsec${Number(args.tunnel) - 1}`;
    const route = draft.below('route.').find((path) => draft.get(path) === name);
    if (route) return `a route goes through tunnel ${args.tunnel}: take it away first`;
    draft.remove(Number(args.tunnel) - 1);
    return undefined;
  },
};
