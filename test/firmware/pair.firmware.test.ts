// Two boxes, one started by BIOS and one by UEFI, set up by their questions: a tunnel between them, hosts behind both.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BOARDS } from '../../firmware/board.ts';
import { usualCache } from '../../firmware/image.ts';
import { ownSigner } from '../../firmware/keys.ts';
import { Lab, type Ns } from '../interop/netns.ts';
import { Box } from './box.ts';
import { image, unpacked } from './image.ts';

const PASSWORD = 'over the mountain';

let lab: Lab;
let between: Ns;
let lans: Ns[];
let boxes: Box[];

beforeAll(async () => {
  const product = image(BOARDS.x86_64, ownSigner(join(usualCache(), 'signer')));
  lab = await Lab.open('pair');
  const base = await unpacked(lab, product);
  between = await lab.netns('between');
  await between.ip('link', 'add', 'wan', 'type', 'bridge');
  await between.ip('link', 'set', 'wan', 'up');
  lans = [await lab.netns('lan1'), await lab.netns('lan2')];
  boxes = await Promise.all(
    (['bios', 'uefi'] as const).map(
      async (machine, i) =>
        new Box(lab, {
          ...{ name: machine, machine, disk: await Box.disk(lab, base, machine) },
          cables: [
            { ns: between, tap: `tap-wan${i + 1}`, bridge: 'wan' },
            { ns: lans[i], tap: `tap-lan${i + 1}` },
          ],
        }),
    ),
  );
});
afterAll(() => lab?.close());

test('BIOS and UEFI start the same image, and a tunnel connects what is behind', async () => {
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
  const measured = await boxes[0].command('bench tunnel ipsec0 192.168.2.1', 120_000);
  expect(measured).toMatch(/latency +[\d.]+ ms there and back/);
});
