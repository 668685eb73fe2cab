// The views in Yamaha's layouts (dialects.md B.5), in English and Japanese.
import type { ChildView, IkeView, TunnelView } from './view.ts';

/** The three numbers of a tunnel in this dialect. */
export type Numbers = { readonly tunnel: number; readonly gateway: number; readonly policy: number };

export type Language = 'en' | 'ja';

const RULE = '-'.repeat(76);
const KEY = '** ** ** ** **  (confidential)   ** ** ** ** **';

const text = (lines: readonly string[]) => lines.map((l) => `${l.trimEnd()}\n`).join('');

/** What stands between the parentheses of an identity's kind. */
const identity = (id: string) => id.replace(/ \([a-z-]+\)$/, '');

type Source = {
  readonly ike: readonly IkeView[];
  readonly tunnels: readonly TunnelView[];
  readonly numbers: (connection: string) => Numbers;
};

const established = (ike: readonly IkeView[]) => ike.filter((v) => v.status === 'established');

/** `show ipsec sa`. */
export function showSa({ ike, tunnels, numbers }: Source): string {
  const phase1 = established(ike);
  const children = tunnels.flatMap((t) => t.children.map((c) => ({ c, t })));
  const row = (
    sa: number,
    sgw: number,
    isakmp: string,
    kind: string,
    dir: string,
    life: number,
    id: string,
  ) =>
    [
      String(sa).padEnd(5),
      String(sgw).padEnd(4),
      isakmp.padEnd(6),
      kind.padEnd(13),
      dir.padEnd(4),
      String(life).padEnd(7),
      id,
    ].join(' ');
  const rows = [
    ...phase1.map((v): [number, string] => [
      v.number,
      row(
        v.number,
        numbers(v.connection).gateway,
        '-',
        v.version === 1 ? 'isakmp' : 'ike',
        '-',
        v.left ?? v.lifetime,
        identity(v.identityRemote),
      ),
    ]),
    ...children.flatMap(({ c, t }): [number, string][] => {
      const { tunnel, gateway } = numbers(t.connection);
      const owner = phase1.find((v) => v.connection === c.connection);
      const kind = `tun[${String(tunnel).padStart(4, '0')}]esp`;
      const life = Math.max(0, c.lifetime - c.age);
      return (['send', 'recv'] as const).map((dir) => [
        Math.min(c.numbers.send, c.numbers.recv),
        row(
          c.numbers[dir],
          gateway,
          owner ? String(owner.number) : '-',
          kind,
          dir,
          life,
          owner ? identity(owner.identityRemote) : t.remote,
        ),
      ]);
    }),
  ].sort(([a], [b]) => a - b);
  return text([
    `Total: isakmp:${phase1.length} send:${children.length} recv:${children.length}`,
    '',
    'sa    sgw  isakmp connection    dir  life[s] remote-id',
    RULE,
    ...rows.map(([, line]) => line),
  ]);
}

/** `show ipsec sa gateway [N]`. */
export function showGateway({ ike, tunnels, numbers }: Source, gateway?: number): string {
  const list = tunnels.filter((t) => gateway === undefined || numbers(t.connection).gateway === gateway);
  return text([
    'sgw  flags local-id                      remote-id        # of sa',
    RULE,
    ...list.map((t) => {
      const sas = established(ike).filter(
        (v) => t.children.some((c) => c.connection === v.connection) || v.connection === t.connection,
      );
      const flags = `${t.state === 'up' ? 'U' : ' '} ${sas.length > 0 ? 'K' : ' '}`;
      const [local, remote] = sas[0]
        ? [identity(sas[0].identityLocal), identity(sas[0].identityRemote)]
        : [t.local, t.remote];
      const count = `i:${sas.length} s:${t.children.length} r:${t.children.length}`;
      return [
        String(numbers(t.connection).gateway).padEnd(4),
        flags.padEnd(5),
        local.padEnd(29),
        remote.padEnd(16),
        count,
      ].join(' ');
    }),
    'U: up, K: kept alive',
  ]);
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  '3des': '3DES-CBC',
  aes128: 'AES-CBC',
  aes192: 'AES192-CBC',
  aes256: 'AES256-CBC',
  'aes128-gcm16': 'AES-GCM',
  'aes256-gcm16': 'AES256-GCM',
  'chacha20-poly1305': 'ChaCha20-Poly1305',
  md5: 'MD5',
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
};

const algorithm = (name: string) =>
  ALGORITHMS[name] ?? name.replace(/^modp(\d+)$/, 'MODP $1bit').replace(/^ecp/, 'ECP ');

/** `show ipsec sa gateway N detail`. */
export function showGatewayDetail({ ike, tunnels, numbers }: Source, gateway: number): string {
  const own = tunnels.filter((t) => numbers(t.connection).gateway === gateway);
  const blocks: [number, string[]][] = [];
  for (const t of own) {
    const sas = established(ike).filter(
      (v) => v.connection === t.connection || t.children.some((c) => c.connection === v.connection),
    );
    for (const v of sas) {
      const parts = (v.suite ?? '').split('/').map(algorithm);
      blocks.push([
        v.number,
        [
          `SA[${v.number}] Duration: ${v.left ?? v.lifetime}s`,
          `Local ID: ${identity(v.identityLocal)}`,
          `Remote ID: ${identity(v.identityRemote)}`,
          v.version === 1 ? 'Protocol: IKE' : 'Protocol: IKEv2',
          `Algorithm: ${parts.join(', ')}`,
          `SPI: ${octets(v.spiI)} ${octets(v.spiR)}`,
        ],
      ]);
    }
    const [sa] = sas;
    const ids = sa ? [identity(sa.identityLocal), identity(sa.identityRemote)] : [t.local, t.remote];
    for (const c of t.children)
      for (const dir of ['send', 'recv'] as const) blocks.push([c.numbers[dir], childBlock(c, dir, ids)]);
  }
  blocks.sort(([a], [b]) => a - b);
  return text(blocks.flatMap(([, lines]) => [...lines, `Key: ${KEY}`, '-'.repeat(52)]));
}

function childBlock(c: ChildView, dir: 'send' | 'recv', [local, remote]: readonly string[]): string[] {
  const [cipher, mac] = c.suite.split('/');
  const authenticated = /^(?:md5|sha)/.test(mac ?? '') ? ` (for Auth.: HMAC-${algorithm(mac)})` : '';
  return [
    `SA[${c.numbers[dir]}] Duration: ${Math.max(0, c.lifetime - c.age)}s`,
    `Local ID: ${local}`,
    `Remote ID: ${remote}`,
    `Direction: ${dir === 'send' ? 'send' : 'receive'}`,
    `Protocol: ESP (Mode: ${c.mode})`,
    `Algorithm: ${algorithm(cipher)}${authenticated}`,
    `SPI: ${octets((dir === 'send' ? c.spiOut : c.spiIn).toString(16).padStart(8, '0'))}`,
  ];
}

const octets = (hex: string) => hex.match(/../g)?.join(' ') ?? '';

const STATUS = {
  kind: { en: 'Interface type: IPsec', ja: 'インタフェースの種類: IPsec' },
  up: { en: 'Current status is Online.', ja: 'トンネルインタフェースは接続されています' },
  down: { en: 'Current status is Offline.', ja: 'トンネルインタフェースは接続されていません' },
  negotiating: { en: 'Current status is Negotiating.', ja: 'トンネルインタフェースは折衝中です' },
  from: { en: 'from', ja: '開始:' },
  received: { en: 'Received:', ja: '受信:' },
  sent: { en: 'Transmitted:', ja: '送信:' },
  why: { en: 'Reason:', ja: '理由:' },
} as const;

/** `show status tunnel N`; all of them where no number is given. */
export function showTunnel(view: TunnelView, number: number, language: Language, now: Date): string {
  const t = (name: keyof typeof STATUS) => STATUS[name][language];
  const since = view.since ? new Date(view.since) : undefined;
  const n = view.counters;
  const count = (packets: number, size: number) =>
    language === 'ja'
      ? `(IPv4/IPv6) ${packets} パケット [${size} オクテット]`
      : `(IPv4/IPv6) ${packets} ${packets === 1 ? 'packet' : 'packets'} [${size} ${size === 1 ? 'octet' : 'octets'}]`;
  return text([
    `TUNNEL[${number}]:`,
    ...(language === 'ja' ? ['説明:'] : ['Description:']),
    `  ${t('kind')}`,
    `  ${t(view.state)}`,
    ...(since
      ? [
          `  ${t('from')} ${stamp(since)}${language === 'en' ? '.' : ''}`,
          language === 'ja'
            ? `  通信時間: ${lasting(now.getTime() - since.getTime(), language)}`
            : `  ${lasting(now.getTime() - since.getTime(), language)}  connection.`,
        ]
      : []),
    ...(view.state !== 'up' && view.reason ? [`  ${t('why')} ${view.reason.text}`] : []),
    ...(view.mtu > 0 ? [`  Maximum Transmission Unit(MTU): ${view.mtu} octets`] : []),
    `  ${t('received').padEnd(12)} ${count(n?.rxPackets ?? 0, n?.rxOctets ?? 0)}`,
    `  ${t('sent').padEnd(12)} ${count(n?.txPackets ?? 0, n?.txOctets ?? 0)}`,
  ]);
}

/** "5 hours 7 minutes 58 seconds" */
function lasting(ms: number, language: Language): string {
  const s = Math.floor(ms / 1000);
  const parts: [number, string, string][] = [
    [Math.floor(s / 86_400), 'day', '日'],
    [Math.floor(s / 3600) % 24, 'hour', '時間'],
    [Math.floor(s / 60) % 60, 'minute', '分'],
    [s % 60, 'second', '秒'],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  const shown = first < 0 ? parts.slice(-1) : parts.slice(first);
  return language === 'ja'
    ? shown.map(([n, , unit]) => `${n}${unit}`).join('')
    : shown.map(([n, unit]) => `${n} ${unit}${n === 1 ? '' : 's'}`).join(' ');
}

function stamp(time: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('/');
  return `${day} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`;
}

/** A route of the kernel. */
export type RouteView = {
  readonly destination: string;
  readonly gateway: string;
  readonly interface: string;
  readonly kind: 'static' | 'implicit' | 'temporary';
};

/** `show ip route`. */
export function showRoutes(routes: readonly RouteView[], language: Language): string {
  const head =
    language === 'ja'
      ? '宛先ネットワーク    ゲートウェイ     インタフェース  種別  付加情報'
      : 'Destination         Gateway          Interface       Kind      Additional Info.';
  return text([
    head,
    ...routes.map((r) =>
      [r.destination.padEnd(19), r.gateway.padEnd(16), r.interface.padEnd(15), r.kind].join(' '),
    ),
  ]);
}
