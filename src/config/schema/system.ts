// The router itself: its name, and how its dataplane works.
import type { Leaf } from './leaf.ts';
import { either, integer, ipv4, ipv6, oneOf } from './types.ts';

export const system: readonly Leaf[] = [
  {
    path: 'hostname',
    type: {
      allowed: 'letters, digits, hyphens and dots, at most 64',
      parse: (t) => (/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/.test(t) ? t : undefined),
    },
    help: 'Name of the router.',
    ja: 'ルーターの名前。',
  },
  {
    path: 'system.dataplane.native-esp',
    type: oneOf('auto', 'af-xdp', 'af-packet', 'raw'),
    default: 'auto',
    help: 'How native ESP passes the network interface: the fastest way that works there (auto), or this one and no other.',
    ja: 'ネイティブESPをネットワークインターフェースで送受信する方式。auto: 使用できる最速の方式、auto以外: 指定した方式のみ。',
  },
  {
    path: 'system.update.patience',
    type: integer(30, 3600, 'seconds'),
    default: 300,
    help: 'How long after an update everything may take until it works as before; then the box goes back to what it had.',
    ja: 'ファームウェア更新後、以前と同じ動作に戻るまで待つ時間(秒)。超えると元のファームウェアに戻る。',
  },
  {
    path: 'system.metrics.address',
    type: either(oneOf('none'), ipv4, ipv6),
    default: 'none',
    help: 'Our address at which Prometheus may fetch /metrics. Everybody who reaches it may: choose one inside.',
    ja: 'Prometheusが/metricsを取得する自分側アドレス。到達できれば誰でも取得できるため、内側のアドレスを選ぶこと。',
  },
  {
    path: 'system.metrics.port',
    type: integer(1, 65_535),
    default: 9477,
    help: 'TCP port for it.',
    ja: '/metricsのTCPポート番号。',
  },
];
