// Lines of the DHCP client's script: their values come from the network (RFC 2131, 2132).
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLease } from '../../src/host/dhcp-client.ts';

test('a lease with all that we take of it', () => {
  expect(
    parseLease('lease bound ip=10.0.0.50 mask=255.255.255.0 router=10.0.0.2 10.0.0.3 dns=10.0.0.2 192.0.2.1'),
  ).toEqual({ address: '10.0.0.50/24', router: '10.0.0.2', dns: ['10.0.0.2', '192.0.2.1'] });
  expect(parseLease('lease renew ip=10.0.0.50 mask= router= dns=')).toEqual({
    address: '10.0.0.50/32',
    dns: [],
  });
  expect(parseLease('lease deconfig ip= mask= router= dns=')).toBeUndefined();
});

test.each([
  'udhcpc: started',
  'lease nak ip=10.0.0.50 mask=255.255.255.0 router= dns=',
  'lease bound ip= mask=255.255.255.0 router= dns=',
  'lease bound ip=10.0.0.50 mask=255.0.255.0 router= dns=',
  'lease bound ip=127.0.0.1 mask=255.0.0.0 router= dns=',
  'lease bound ip=224.0.0.1 mask=255.0.0.0 router= dns=',
  'lease bound ip=0.0.0.0 mask=255.0.0.0 router= dns=',
  'lease bound ip=10.0.0.50;reboot mask=255.255.255.0 router= dns=',
])('%s is none', (line) => expect(parseLease(line)).toBe('nothing'));

test('whatever stands in a line, what is taken of it are addresses', () => {
  const word = fc.oneof(
    fc.constantFrom('lease', 'bound', 'renew', 'deconfig', 'ip=10.0.0.5', 'mask=255.255.255.0', 'dns='),
    fc.string({ maxLength: 20 }),
    fc.ipV4().map((a) => `router=${a}`),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      const lease = parseLease(words.join(' '));
      if (lease === undefined || lease === 'nothing') return;
      expect(lease.address).toMatch(/^\d+\.\d+\.\d+\.\d+\/\d+$/);
      for (const address of [...lease.dns, ...(lease.router ? [lease.router] : [])])
        expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      expect(lease.dns.length).toBeLessThanOrEqual(8);
    }),
  );
});
