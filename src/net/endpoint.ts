// A UDP endpoint: where an IKE datagram comes from and goes to.
import type { Address } from './address.ts';

export type Endpoint = { readonly address: Address; readonly port: number };

export function endpointText(e: Endpoint): string {
  return `${e.address.includes(':') ? `[${e.address}]` : e.address}[${e.port}]`;
}

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && a.address === b.address;
}
