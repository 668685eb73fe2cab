// Two engines of ours negotiate on the simulated network; captures of it, whole and broken off, are explained.
import { describe, expect, test } from 'vitest';
import { explain, type Negotiation } from '../../src/explain/explain.ts';
import { explanationText } from '../../src/explain/text.ts';
import type { ConnectionPolicy } from '../../src/ike/policy.ts';
import { PORT_NAT_T } from '../../src/ike/wire/numbers.ts';
import { concat, utf8 } from '../../src/net/bytes.ts';
import { Secret } from '../../src/net/secret.ts';
import { A, B, Network, Node, pair, policy, SETTINGS } from '../ike/simulation.ts';
import { ethernet, file, ip, LINKS, type Sent } from './capture.ts';

/** What went over the wire, with its markers. */
function wire(network: Network): Sent[] {
  return network.log.map(({ at, from, to, data }) => ({
    ...{ time: at / 1000, from, to },
    data: from.port === PORT_NAT_T ? concat(new Uint8Array(4), data) : data,
  }));
}

/** A negotiation of A's; `other` changes B alone. */
function negotiated(changes: Partial<ConnectionPolicy>, other: Partial<ConnectionPolicy> = {}): Sent[] {
  const network = new Network(3);
  const [a, b] = [new Node(network, A), new Node(network, B)];
  a.configure([policy(A, B, changes)]);
  b.configure([policy(B, A, { ...changes, ...other, initiate: 'never' })]);
  network.run(20);
  return wire(network);
}

function first(sent: readonly Sent[]): Negotiation {
  const result = explain(ethernet(sent));
  if (!result.ok) throw new Error(result.why);
  expect(explanationText(result.value)).toMatch(/^IKEv/);
  return result.value.negotiations[0];
}

const OTHER_KEY: Partial<ConnectionPolicy> = {
  credential: { method: 'preshared-key', key: new Secret(utf8('another key')) },
};

const worst = (n: Negotiation) => n.findings.find((f) => f.level === 'error') ?? n.findings[0];

describe('what a capture tells that breaks off after each message', () => {
  test('IKEv2', () => {
    const sent = negotiated({ version: 2 });
    const story = [1, 2, 3, 4].map((n) => {
      const { outcome, ...rest } = first(sent.slice(0, n));
      return [outcome, worst({ outcome, ...rest }).text];
    });
    expect(story).toEqual([
      ['unanswered', expect.stringMatching(/^IKE_SA_INIT got no answer: UDP 500 is blocked/)],
      ['unfinished', expect.stringMatching(/^the initiator did not go on with IKE_AUTH/)],
      [
        'unfinished',
        expect.stringMatching(/^IKE_AUTH, sent 1 time to port 500, got no answer: the responder/),
      ],
      ['established', expect.stringMatching(/^the responder chose aes256 /)],
    ]);
  });

  test('IKEv1 main mode and quick mode', () => {
    const sent = negotiated({ version: 1 });
    const names = first(sent).ladder.map((r) => r.exchange);
    const texts = sent.map((_, n) => {
      const negotiation = first(sent.slice(0, n + 1));
      return `${negotiation.outcome}: ${worst(negotiation).text}`;
    });
    expect(texts.slice(0, 6)).toEqual([
      expect.stringMatching(/^unanswered: main mode message 1 got no answer/),
      expect.stringMatching(/^unfinished: the initiator did not go on after main mode message 2/),
      expect.stringMatching(/^unfinished: main mode message 3 got no answer/),
      expect.stringMatching(/^unfinished: the initiator did not go on after main mode message 4/),
      expect.stringMatching(
        /^unfinished: main mode message 5, .* got no answer: most likely the preshared key/,
      ),
      expect.stringMatching(/^established: /),
    ]);
    const quick = names.indexOf('Quick Mode');
    expect(texts[quick]).toMatch(/^established: quick mode got no answer/);
    const end = first(sent);
    expect(end.findings.map((f) => f.text)).toContain('one quick mode came to the end: IPsec SAs stand');
  });

  test('only the end', () => {
    for (const version of [1, 2] as const) {
      const n = first(negotiated({ version }).slice(version === 1 ? 5 : 2));
      expect([n.outcome, n.findings[0].code]).toEqual(['unseen', 'PARTIAL']);
    }
  });
});

describe('another preshared key', () => {
  test.each([
    [
      'main mode',
      { version: 1 },
      /PAYLOAD_MALFORMED to an encrypted message of phase 1: most likely the preshared key differs/,
    ],
    [
      'aggressive mode',
      { version: 1, exchangeMode: 'aggressive' },
      /message 2, .*most likely the preshared key differs|did not accept/,
    ],
    ['IKEv2', { version: 2 }, /most likely AUTHENTICATION_FAILED/],
  ] as const)('%s', (_, changes, text) => {
    const n = first(negotiated(changes, OTHER_KEY));
    expect(worst(n)).toMatchObject({ code: 'AUTHENTICATION', text: expect.stringMatching(text) });
    expect(n.outcome).not.toBe('established');
  });
});

test('aggressive mode is established, and warned of', () => {
  const n = first(negotiated({ version: 1, exchangeMode: 'aggressive' }));
  expect([n.mode, n.outcome]).toEqual(['aggressive', 'established']);
  expect(n.findings.find((f) => f.code === 'AGGRESSIVE')?.text).toMatch(/VU#857035/);
  expect(n.ladder[0].payloads).toContain('IDii');
});

test('forced encapsulation shows as NAT and as the move to port 4500', () => {
  for (const version of [1, 2] as const) {
    const n = first(negotiated({ version, natTraversal: 'force' }));
    const texts = n.findings.map((f) => f.text).join('\n');
    expect(texts).toMatch(/behind a NAT, or asks? for UDP encapsulation as if so/);
    expect(texts).toMatch(/the exchange moved to UDP 4500/);
    const plain = first(negotiated({ version }));
    expect(plain.findings.map((f) => f.text).join('\n')).toMatch(/no NAT between the peers/);
  }
});

test('fragments are one rung that counts them', () => {
  const { network } = pair(1, { version: 2 }, { ...SETTINGS, fragmentSize: 200 });
  network.run(20);
  const n = first(wire(network));
  const cut = n.ladder.filter((r) => r.fragments);
  expect(cut.map((r) => r.exchange)).toContain('IKE_AUTH');
  for (const r of cut) expect(r.fragments!.seen).toBe(r.fragments!.total);
});

test('ESP that goes one way only', () => {
  const sent = negotiated({ version: 2 });
  const [, link, wrap] = LINKS[0];
  const [from, to] = [sent[0].from.address, sent[0].to.address];
  const time = sent.at(-1)!.time + 1;
  const esp = [0, 1].map(() => ({ time, octets: wrap(ip(from, to, 50, new Uint8Array(80))) }));
  const whole = file('pcap', true, link, esp);
  const result = explain(concat(ethernet(sent), whole.slice(24)));
  expect(result.ok && result.value.negotiations[0].findings.map((f) => f.text)).toContain(
    `ESP goes one way only: 2 packets from ${from} to ${to}, none back`,
  );
});
