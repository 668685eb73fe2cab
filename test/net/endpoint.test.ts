import { describe, expect, test } from 'vitest';
import { endpointText, sameEndpoint } from '../../src/net/endpoint.ts';

describe('endpoints', () => {
  test('the port stands in brackets, as in the logs of seed 001; an IPv6 address too', () => {
    expect(endpointText({ address: '10.0.0.2', port: 500 })).toBe('10.0.0.2[500]');
    expect(endpointText({ address: '2001:db8::1', port: 4500 })).toBe('[2001:db8::1][4500]');
  });

  test('address and port both count', () => {
    const here = { address: '10.0.0.2', port: 500 };
    expect(sameEndpoint(here, { ...here })).toBe(true);
    expect(sameEndpoint(here, { ...here, port: 4500 })).toBe(false);
    expect(sameEndpoint(here, { ...here, address: '10.0.0.3' })).toBe(false);
  });
});
