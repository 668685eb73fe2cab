// The kinds of words that stand in Yamaha's commands.
import type { ValueType } from '../../config/schema/index.ts';
import {
  either,
  integer,
  ipv4,
  ipv4Cidr,
  ipv6,
  ipv6Cidr,
  oneOf,
  orList,
  text,
} from '../../config/schema/types.ts';
import { parseAddress } from '../../net/address.ts';
import type { SlotOf, Text } from '../grammar/pattern.ts';
import { TUNNELS } from './draft.ts';

export function slot(type: ValueType, en: string, ja: string): SlotOf {
  return { type, help: { en, ja } };
}

export const rest: ValueType = { allowed: 'anything', parse: (t) => t };

/** Ids of gateways and policies: the widest range there is (dialects.md B.2). */
const MAX_ID = 6000;

export const gateway = slot(integer(1, MAX_ID), 'Gateway', 'セキュリティー・ゲートウェイの識別子');
export const policy = slot(integer(1, MAX_ID), 'Policy', 'ポリシーの識別子');
export const tunnel = slot(integer(1, TUNNELS), 'Tunnel', 'トンネルインターフェース番号');

export const onOff: ValueType = oneOf('on', 'off');
export const toggle = slot(onOff, 'on or off', 'on または off');

export const ENABLED = { on: 'enable', off: 'disable' } as const;

export const anyText = (max: number): ValueType => text(max, 1);

/** May be empty. */
export const label: ValueType = text(255);

/** A mask as prefix length or in dots: 255.255.255.0. */
function prefixOf(mask: string): string | undefined {
  if (/^\d{1,3}$/.test(mask)) return mask;
  const address = parseAddress(mask, 4);
  if (address === undefined) return undefined;
  const bits = address
    .split('.')
    .map((o) => Number(o).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) ? String(bits.replace(/0+$/, '').length) : undefined;
}

/** An address with its network, the mask in either form. */
export const interfaceAddress: ValueType = {
  allowed: 'an address with its mask, like 192.0.2.1/24',
  parse: (t) => {
    const [address, mask] = t.split('/');
    const prefix = mask === undefined ? undefined : prefixOf(mask);
    return prefix === undefined ? undefined : either(ipv4Cidr, ipv6Cidr).parse(`${address}/${prefix}`);
  },
};

export const address: ValueType = either(ipv4, ipv6);

/** lan1 is inside and lan2 outside, which is ge1 and ge0 here. */
const LAN_TO_GE: Readonly<Record<string, number>> = { 1: 1, 2: 0 };

export const lan: ValueType = {
  allowed: 'an interface (lan1 …)',
  parse: (t) => (/^lan[1-9]\d{0,8}$/.test(t) ? t : undefined),
};

export function geOf(lanName: string): string {
  const n = Number(lanName.slice(3));
  return `ge${LAN_TO_GE[n] ?? n - 1}`;
}

export function lanOf(ge: string): string {
  const n = Number(ge.slice(2));
  return `lan${n === 0 ? 2 : n === 1 ? 1 : n + 1}`;
}

/** The same words in both languages: names of parameters are no language. */
export function same(text: string): Text {
  return { en: text, ja: text };
}

/** One of the words, or several with commas between them. */
export function names(words: Readonly<Record<string, unknown>>): ValueType {
  const known = Object.keys(words);
  return {
    allowed: `${orList(known)}; several with commas between them`,
    values: known,
    parse: (t) => {
      const list = t.split(',');
      return list.every((w) => known.includes(w)) && new Set(list).size === list.length ? t : undefined;
    },
  };
}

/** A network, or an address alone, which is a network of one. */
export const network: ValueType = {
  allowed: 'a network like 192.0.2.0/24, or an address',
  parse: (t) => {
    if (t.includes('/')) return interfaceAddress.parse(t);
    const alone = parseAddress(t);
    return alone === undefined ? undefined : `${alone}/${alone.includes(':') ? 128 : 32}`;
  },
};
