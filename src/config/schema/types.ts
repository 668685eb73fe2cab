// The value types that leaves are made of.
import { addressBytes, networkOf, parseAddress, parseCidr } from '../../net/address.ts';
import { compareBytes } from '../../net/bytes.ts';
import { formatDuration, parseDuration } from '../../net/duration.ts';
import type { ValueType } from './leaf.ts';

/** "a, b or c". */
export function orList(values: readonly string[]): string {
  return values.length < 2 ? (values[0] ?? '') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

export function oneOf(...values: readonly string[]): ValueType {
  return { allowed: orList(values), values, parse: (text) => (values.includes(text) ? text : undefined) };
}

export const enableDisable = oneOf('enable', 'disable');

export function integer(min: number, max: number, unit = ''): ValueType {
  return {
    allowed: `a whole number from ${min} to ${max}${unit && ` ${unit}`}`,
    parse: (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

export function duration(min: number, max: number): ValueType {
  return {
    allowed: `a time from ${min} to ${max} seconds, plain or like 8h, 90m, 1h30m`,
    parse: (text) => {
      const seconds = parseDuration(text);
      return seconds !== undefined && seconds >= min && seconds <= max ? seconds : undefined;
    },
    print: (value) => formatDuration(Number(value)),
  };
}

/** Printable text without control characters; `max` in UTF-8 octets. */
export function text(max: number, min = 0): ValueType {
  return {
    allowed: `${min > 0 ? `${min} to ` : 'at most '}${max} octets of text without control characters`,
    parse: (value) => {
      const octets = Buffer.byteLength(value);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
      return octets >= min && octets <= max && !/[\u0000-\u001f\u007f]/.test(value) ? value : undefined;
    },
  };
}

export const ipv4: ValueType = {
  allowed: 'an IPv4 address like 192.0.2.1',
  parse: (t) => parseAddress(t, 4),
};

/** RFC 1123 2.1; at least one letter in the last label, which an address has not. */
export const hostName: ValueType = {
  allowed: 'a host name like vpn.example.jp',
  parse: (t) =>
    /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[^.]*[a-z])[a-z0-9-]{1,63}$/i.test(t)
      ? t.toLowerCase()
      : undefined,
};

export const ipv6: ValueType = {
  allowed: 'an IPv6 address like 2001:db8::1',
  parse: (t) => parseAddress(t, 6),
};

export const ipv4Cidr: ValueType = {
  allowed: 'an IPv4 address with its prefix length, like 192.0.2.1/24',
  parse: (t) => parseCidr(t, 4),
};

export const ipv6Cidr: ValueType = {
  allowed: 'an IPv6 address with its prefix length, like 2001:db8::1/64',
  parse: (t) => parseCidr(t, 6),
};

export function interfaceName(...kinds: readonly string[]): ValueType {
  const pattern = new RegExp(`^(?:${kinds.join('|')})\\d{1,4}$`);
  return {
    allowed: `an interface (${orList(kinds.map((k) => `${k}0`))} …)`,
    parse: (t) => (pattern.test(t) ? t.replace(/\d+$/, (n) => String(Number(n))) : undefined),
  };
}

/** Octets as 0x and pairs of hexadecimal digits. */
export function hexOctets(max: number): ValueType {
  return {
    allowed: `0x and 1 to ${max} pairs of hexadecimal digits`,
    parse: (t) => {
      const octets = (t.length - 2) / 2;
      return /^0x(?:[0-9a-f]{2})+$/i.test(t) && octets <= max ? t.toLowerCase() : undefined;
    },
  };
}

/** A Linux interface name: 1 to 15 octets without space, slash or colon (dev_valid_name). */
export const linuxDevice: ValueType = {
  allowed: 'the name of a network device of this machine, like eth0',
  parse: (t) => (/^(?!\.{1,2}$)[^\s/:]{1,15}$/.test(t) ? t : undefined),
};

/** The first type that takes the text wins. */
export function either(...types: readonly ValueType[]): ValueType {
  return {
    allowed: orList(types.map((t) => t.allowed)),
    values: types.flatMap((t) => t.values ?? []),
    parse: (value) => {
      for (const t of types) {
        const parsed = t.parse(value);
        if (parsed !== undefined) return parsed;
      }
      return undefined;
    },
  };
}

export const tcpMss = either(integer(536, 8960), oneOf('auto', 'none'));

/** A route's destination: a prefix whose host bits are zero, or the default route. */
export function destination(family: 4 | 6): ValueType {
  const prefix = family === 4 ? ipv4Cidr : ipv6Cidr;
  return either(prefix, oneOf('default'));
}

export const ipProtocol = either(integer(0, 255), oneOf('any'));

/** One address, a prefix without host bits, or a range "192.168.1.1-192.168.1.9". */
export function addresses(family: 4 | 6): ValueType {
  const [a, b] = family === 4 ? ['192.168.1.1', '192.168.1.0/24'] : ['2001:db8::1', '2001:db8::/64'];
  return {
    allowed: `an IPv${family} address, a network like ${b}, or a range like ${a}-${a}0`,
    parse: (t) => {
      const ends = t.split('-');
      if (ends.length === 2) {
        const [first, last] = ends.map((end) => parseAddress(end, family));
        if (first === undefined || last === undefined) return undefined;
        return compareBytes(addressBytes(first), addressBytes(last)) <= 0 ? `${first}-${last}` : undefined;
      }
      const cidr = parseCidr(t, family);
      return cidr === undefined ? parseAddress(t, family) : networkOf(cidr);
    },
  };
}

/** A port, or a range "1024-65535". */
export const ports: ValueType = {
  allowed: 'a port from 1 to 65535, or a range like 6000-6010',
  parse: (t) => {
    const [first, last = first, ...more] = t.split('-');
    const number = (text: string) => (/^\d{1,5}$/.test(text) ? Number(text) : 0);
    const [a, b] = [number(first), number(last)];
    if (more.length > 0 || a < 1 || b > 65_535 || a > b) return undefined;
    return a === b ? a : `${a}-${b}`;
  },
};
