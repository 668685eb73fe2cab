// Two boxes, a PC started by UEFI and what a Pi starts, set up by their questions: a tunnel between them, hosts behind both. The
// Pi's own boot chain cannot be emulated (autoboot.test.ts has it); everything behind it runs on another arm64 machine.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BOARDS } from '../../firmware/board.ts';
import { usualCache } from '../../firmware/image.ts';
import { ownSigner } from '../../firmware/keys.ts';
import { Lab, type Ns } from '../interop/netns.ts';
import { Box, keepConsoles } from './box.ts';
import { image, unpacked } from './image.ts';

const PASSWORD = 'over the mountain';

let lab: Lab;
let between: Ns;
let lans: Ns[];
let boxes: Box[];

beforeAll(async () => {
  const signer = ownSigner(join(usualCache(), 'signer'));
  lab = await Lab.open('pair');
  const kinds = [
    { machine: 'uefi', product: image(BOARDS.x86_64, signer) },
    { machine: 'arm64', product: image(BOARDS.rpi, signer) },
  ] as const;
  between = await lab.netns('between');
  await between.ip('link', 'add', 'wan', 'type', 'bridge');
  await between.ip('link', 'set', 'wan', 'up');
  lans = [await lab.netns('lan1'), await lab.netns('lan2')];
  boxes = await Promise.all(
    kinds.map(
      async ({ machine, product }, i) =>
        new Box(lab, {
          ...{ name: machine, machine, boot: product.boot },
          disk: await Box.disk(lab, await unpacked(lab, product, machine), machine),
          cables: [
            { ns: between, tap: `tap-wan${i + 1}`, bridge: 'wan' },
            { ns: lans[i], tap: `tap-lan${i + 1}` },
          ],
        }),
    ),
  );
});
afterAll(async () => {
  keepConsoles(...(boxes ?? []));
  await lab?.close();
});

test('a PC by UEFI and a Pi are set up at their consoles, and a tunnel connects what is behind them', async () => {
  for (const box of boxes) await box.powerOn();
  await Promise.all(
    boxes.map((box, i) => {
      const [own, other] = [i + 1, 2 - i];
      return box.setUp(PASSWORD, {
        outside: `192.0.2.${own}/24 192.0.2.254`,
        inside: `192.168.${own}.1/24`,
        peer: `192.0.2.${other}`,
        network: `192.168.${other}.0/24`,
        key: 'a key between two',
      });
    }),
  );
  for (const box of boxes) await box.until('show', /ipsec0 .*up/);
  for (const [i, lan] of lans.entries()) {
    await lan.address(`tap-lan${i + 1}`, `192.168.${i + 1}.9/24`);
    await lan.route('default', `192.168.${i + 1}.1`);
  }
  const { stdout } = await lans[0].exec(['ping', '-c', '5', '-W', '5', '192.168.2.9']);
  expect(stdout).toMatch(/ 0% packet loss/);
  const reached = await boxes[0].command('ping 192.168.2.1 from 192.168.1.1');
  expect(reached).toMatch(/ 0% packet loss/);
});

test('what the tunnel carries is measured from one end to the other', async () => {
  await boxes[1].command('bench serve');
  const measured = await boxes[0].command('bench tunnel ipsec0 192.168.2.1', 180_000);
  expect(measured).toMatch(/latency +[\d.]+ ms there and back/);
  expect(measured).toMatch(/ 0% of 200 echo requests/);
  expect(measured).toMatch(
    /send +[\d.]+ \w+\/s of TCP\n +receive +[\d.]+ \w+\/s of TCP\n +packets +[\d,]+ a second/,
  );
});
