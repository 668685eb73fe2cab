// The pictures of docs/firmware.md: a PC before its owner, at its screen. `node test/firmware/pictures.ts` makes them anew.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BOARDS } from '../../firmware/board.ts';
import { usualCache } from '../../firmware/image.ts';
import { ownSigner } from '../../firmware/keys.ts';
import { Lab } from '../interop/netns.ts';
import { Strongswan } from '../interop/strongswan.ts';
import { BOOT_MS, Box } from './box.ts';
import { image, unpacked } from './image.ts';
import { openWan } from './wan.ts';

const PICTURES = fileURLToPath(new URL('../../docs/pictures', import.meta.url));

/** How long an emulated PC needs to answer. */
const ANSWER_MS = 6000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const lab = await Lab.open('pictures');
try {
  const product = image(BOARDS.x86_64, ownSigner(join(usualCache(), 'signer')));
  const isp = await openWan(lab, ['192.0.2.254/24', '192.0.2.9/24']);
  await isp.address('lo', '192.168.2.1/32');
  const peer = await Strongswan.start(lab, isp, { name: 'peer' });
  await peer.load([
    {
      ...{ name: 'box', version: 2, local: '192.0.2.9', remote: '192.0.2.100', psk: 'a key between two' },
      proposals: 'aes256-sha256-modp2048',
      children: [
        {
          name: 'net',
          localTs: '192.168.2.0/24',
          remoteTs: '192.168.100.0/24',
          espProposals: 'aes256-sha256',
        },
      ],
    },
  ]);
  const lan = await lab.netns('lan');
  const box = new Box(lab, {
    ...{ name: 'p', disk: await Box.disk(lab, await unpacked(lab, product), 'p') },
    cables: [
      { ns: isp, tap: 'tap-wan', bridge: 'wan' },
      { ns: lan, tap: 'tap-lan' },
    ],
  });
  const picture = (name: string) => box.screenshot(join(PICTURES, `${name}.png`));
  const lines = async (...all: readonly string[]) => {
    for (const line of all) {
      await box.press(`${line}\n`);
      await pause(ANSWER_MS);
    }
  };
  await box.powerOn();
  await box.sees(/will be executed automatically/, BOOT_MS);
  await picture('menu');
  await box.sees(/New password: $/, BOOT_MS);
  await pause(ANSWER_MS);
  await lines('over the mountain', 'over the mountain', '192.0.2.100/24 192.0.2.254', '', '', '192.0.2.9');
  await lines('192.168.2.0/24', 'a key between two', 'a key between two');
  await picture('questions');
  await lines('');
  await pause(ANSWER_MS);
  await lines('show', 'firmware status', 'show system');
  await picture('status');
} finally {
  await lab.close();
}
