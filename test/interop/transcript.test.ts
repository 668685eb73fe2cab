// Whole sessions in both dialects, word for word: what is typed and what is answered stands in transcripts/. After a change that
// is meant: UPDATE=1 npm test -- test/interop/transcript
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Session } from '../../cli/shell/session.ts';
import { openPair, type Pair, pairConfig } from './pair.ts';
import { Sekisho } from './sekisho.ts';

let net: Pair;
let a: Sekisho;

beforeAll(async () => {
  net = await openPair('transcript');
  // One after the other: the numbers of SAs are what they are when nothing is repeated.
  await Sekisho.start(net.lab, net.b, 'b', pairConfig(2, 'interface.ipsec0.ike.responder-only : enable'));
  a = await Sekisho.start(net.lab, net.a, 'a', pairConfig(1));
  await a.waitUp('ipsec0', 30_000);
});
afterAll(() => net?.lab.close());

/** What another run would say otherwise: times, counters, SPIs, and how this machine carries native ESP. */
function still(text: string): string {
  return text
    .replace(/\d{4}([-/])\d\d[-/]\d\d \d\d:\d\d:\d\d/g, 'YYYY$1MM$1DD hh:mm:ss')
    .replace(/0x[0-9a-f]{8,16}/g, (spi) => `0x${'·'.repeat(spi.length - 2)}`)
    .replace(/(?:[0-9a-f]{2} ){3,}[0-9a-f]{2}/g, (hex) => hex.replace(/[0-9a-f]/g, '·'))
    .replace(/\(\d+ left\)/g, '(… left)')
    .replace(/Duration: \d+s/g, 'Duration: …s')
    .replace(/^(\d+ +\d+ +\S+ +\S+ +\S+ +)\d{5}(?= )/gm, '$1.....')
    .replace(/\d+ packets?, \d+ octets?/g, '… packets, … octets')
    .replace(/\d+ (packet|パケット)s? \[\d+ (octet|オクテット)s?\]/g, '… $1 [… $2]')
    .replace(/(Ipkts|Opkts|Drops|InOctets|OutOctets): \d+/g, '$1: …')
    .replace(/^ {2}[a-z-]+: \d+\n/gm, '')
    .replace(/Native ESP: \S+, \d+ lost.*/g, 'Native ESP: …')
    .replace(/(?:\d+ minutes? )?\d+ seconds?( {2}connection\.)/g, '…$1')
    .replace(/通信時間: .*/g, '通信時間: …');
}

test.each(['seil', 'yamaha'])('%s', async (name) => {
  const file = new URL(`transcripts/${name}.txt`, import.meta.url);
  const expected = readFileSync(file, 'utf8');
  const session = new Session(a.socket, { lines: 0 });
  let text = '';
  for (const line of expected.split('\n').filter((l) => /^[#>]/.test(l))) {
    text += `${line}\n`;
    if (line.startsWith('> ')) text += (await session.execute(line.slice(2))).text;
  }
  const told = still(text);
  if (process.env.UPDATE) writeFileSync(file, told);
  expect(told).toBe(readFileSync(file, 'utf8'));
});
