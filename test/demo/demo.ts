// `npm run demo`: two routers and two hosts in network namespaces, each router from a SEIL file, a tunnel between them.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { HOST1, HOST2, openPair, type Pair } from '../interop/pair.ts';
import { Sekisho } from '../interop/sekisho.ts';
import { iperf3, ping, pingUntil } from '../interop/traffic.ts';

const SECONDS = 5;

const say = (text: string) => process.stdout.write(`${text}\n`);

function config(name: string): { text: string; path: string } {
  const path = fileURLToPath(new URL(`./${name}.seil`, import.meta.url));
  return { path, text: readFileSync(path, 'utf8') };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
  say(`host1 ${HOST1} – A 10.0.0.1 ===== 10.0.0.2 B – ${HOST2} host2`);
  const pair = await openPair('demo');
  try {
    await run(pair, values.keep);
  } finally {
    await pair.lab.close();
  }
  if (values.keep) say('Everything is gone again.');
}

async function run(pair: Pair, keep: boolean): Promise<void> {
  const [a, b] = [config('router-a'), config('router-b')];
  say(`\nRouter A, ${a.path}:\n\n${a.text}`);
  const routerB = await Sekisho.start(pair.lab, pair.b, 'b', b.text);
  const routerA = await Sekisho.start(pair.lab, pair.a, 'a', a.text);
  await routerA.waitUp();
  await routerB.waitUp();
  say('The tunnel is up.');
  await pingUntil(pair.host1, HOST2, 5000);
  const { sent, received, rttAvgMs } = await ping(pair.host1, HOST2, { count: 10 });
  say(`ping from host1 to host2: ${received} of ${sent} answered, ${rttAvgMs} ms on average`);
  say(`iperf3 from host1 to host2, ${SECONDS} s …`);
  const rate = await iperf3(pair.host1, pair.host2, HOST2, { seconds: SECONDS });
  for (const what of ['ike', 'ipsec', 'ipsec.security-policy', 'interface.ipsec0']) {
    say(`\nsekisho show status ${what}\n`);
    say(await routerA.show('status', what));
  }
  if (keep) await hold(pair, routerA, routerB);
  const codes = await Promise.all([routerA.stop(), routerB.stop()]);
  if (codes.some((code) => code !== 0)) throw new Error(`a router ended with exit code ${codes.join(', ')}`);
  say(
    `TCP through the tunnel: ${rate.toFixed(2)} Gbit/s (UDP-encapsulated ESP, AES-128-GCM, one stream, both routers on this machine)`,
  );
}

/** Leaves it standing until Enter, Ctrl-C or a kill. */
async function hold(pair: Pair, a: Sekisho, b: Sekisho): Promise<void> {
  say('It stands until you press Ctrl-C. To look inside, from another terminal:');
  for (const [name, ns, router] of [
    ['A', pair.a, a],
    ['B', pair.b, b],
  ] as const) {
    say(`  cli/sekisho --socket ${router.socket} show status ipsec      # router ${name}`);
    say(`  ip netns exec ${ns.name} bash                         # a shell on router ${name}`);
  }
  say(`  ip netns exec ${pair.host1.name} ping ${HOST2}        # traffic from host1`);
  say(`  ip netns exec ${pair.b.name} tcpdump -ni ge0          # what is on the wire`);
  // While it stands, an interruption is how it ends: in order, not by the laboratory's emergency exit.
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const emergency = signals.map((signal) => process.listeners(signal));
  for (const signal of signals) process.removeAllListeners(signal);
  await new Promise<void>((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve());
  });
  for (const [i, signal] of signals.entries())
    for (const listener of emergency[i]) process.on(signal, listener);
}

main().catch((e: Error) => {
  process.stderr.write(`demo: ${e.message}\n`);
  process.exit(1);
});
