// The first start of a box: five questions, and a network, a way outside and perhaps a tunnel work.
import { readFileSync } from 'node:fs';

import { timeZone } from '../../src/config/schema/access.ts';
import type { ValueType } from '../../src/config/schema/index.ts';
import { either, hostName, ipv4, ipv4Cidr, text } from '../../src/config/schema/types.ts';
import type { Language, Text } from '../../src/dialect/grammar/pattern.ts';
import { quote } from '../../src/dialect/seil/line.ts';
import { ipv4Number, ipv4Of, networkOf, splitCidr } from '../../src/net/address.ts';
import { choosePassword } from './password.ts';
import { type Outcome, type Person, type Session, said } from './session.ts';

/** Who tells the time in Japan (NICT). */
const TIME_SERVER = 'ntp.nict.jp';

/** How many addresses are given out, where the network has so many. */
const MOST_LENT = 100;

export type Answers = {
  readonly passwordHash: string;
  /** DHCP, or our address with the gateway. */
  readonly outside: 'dhcp' | { readonly address: string; readonly gateway: string };
  /** Our address in the network inside, with its length. */
  readonly inside: string;
  readonly timezone: string;
  /** Whether the processor has instructions for AES. */
  readonly aes: boolean;
  readonly tunnel?: { readonly peer: string; readonly key: string; readonly network: string };
};

const ASKED = {
  welcome: {
    en: 'This router is not configured yet. Five questions; Enter takes what stands in brackets.\n',
    ja: 'このルーターは未設定です。5つの質問に答えてください。Enterで[ ]内の値になります。\n',
  },
  outside: {
    en: '2/5 ge0, to the Internet: dhcp, or address/length gateway [dhcp]: ',
    ja: '2/5 ge0(インターネット側): dhcp、または アドレス/長さ ゲートウェイ [dhcp]: ',
  },
  inside: {
    en: '3/5 ge1, your network: our address [192.168.1.1/24]: ',
    ja: '3/5 ge1(LAN側): 本機のアドレス [192.168.1.1/24]: ',
  },
  timezone: { en: '4/5 Time zone [Asia/Tokyo]: ', ja: '4/5 タイムゾーン [Asia/Tokyo]: ' },
  peer: {
    en: '5/5 Peer of an IPsec tunnel, address or name [none]: ',
    ja: '5/5 IPsecトンネルの接続先(アドレスまたは名前) [none]: ',
  },
  network: {
    en: '    Network behind it, like 192.168.2.0/24: ',
    ja: '    接続先のネットワーク(例 192.168.2.0/24): ',
  },
  key: { en: '    Preshared key: ', ja: '    事前共有鍵: ' },
  wrong: { en: 'Here stands', ja: '入力できる値:' },
  password: { en: '1/5 Password of admin. ', ja: '1/5 管理者(admin)のパスワード。' },
  meanwhile: {
    en: 'It was configured elsewhere meanwhile; these answers are not used.\n',
    ja: 'この間に別の端末から設定されたため、この回答は使いません。\n',
  },
  done: {
    en: 'Configured and saved. `show` shows what runs, `show config` the whole configuration.\n',
    ja: '設定を保存しました。showで状態を、show configで設定を表示します。\n',
  },
} as const satisfies Record<string, Text>;

const wayOut: ValueType = {
  allowed:
    'dhcp, or an address with its length and a gateway in that network, like 203.0.113.2/24 203.0.113.1',
  parse: (t) => {
    const [address = '', gateway = '', more] = t.trim().split(/\s+/);
    if (address === 'dhcp' && gateway === '') return 'dhcp';
    const [own, next] = [ipv4Cidr.parse(address), ipv4.parse(gateway)];
    if (own === undefined || next === undefined || more !== undefined) return undefined;
    return networkOf(String(own)) === networkOf(`${next}/${splitCidr(String(own)).length}`)
      ? `${own} ${next}`
      : undefined;
  },
};

/** Room for hosts beside us. */
const ourAddress: ValueType = {
  allowed: 'our address with the length of the network, 8 to 29, like 192.168.1.1/24',
  parse: (t) => {
    const own = ipv4Cidr.parse(t);
    if (own === undefined) return undefined;
    const { length } = splitCidr(String(own));
    return length >= 8 && length <= 29 && networkOf(String(own)) !== own ? own : undefined;
  },
};

const network: ValueType = {
  allowed: 'a network like 192.168.2.0/24',
  parse: (t) => {
    const own = ipv4Cidr.parse(t);
    return own === undefined ? undefined : networkOf(String(own));
  },
};

/** Asks until the answer is one. */
async function answer(
  person: Person,
  language: Language,
  question: Text,
  type: ValueType,
  usual?: string,
  hidden = false,
): Promise<string> {
  for (;;) {
    const typed = (await person.ask(question[language], hidden)).trim();
    const value = type.parse(typed === '' && usual !== undefined ? usual : typed);
    if (value !== undefined) return String(value);
    person.tell(`${ASKED.wrong[language]} ${type.allowed}.\n`);
  }
}

export async function setUp(session: Session): Promise<Outcome> {
  const { person } = session;
  const { language } = session.terminal;
  if (!person) return { ok: false, text: '' };
  person.tell(ASKED.welcome[language]);
  let passwordHash: string | undefined;
  while (passwordHash === undefined) {
    person.tell(ASKED.password[language]);
    const chosen = await choosePassword(person, language);
    if (chosen.ok) passwordHash = chosen.hash;
    else person.tell(`${chosen.why}\n`);
  }
  const ask = (question: Text, type: ValueType, usual?: string, hidden = false) =>
    answer(person, language, question, type, usual, hidden);
  const way = await ask(ASKED.outside, wayOut, 'dhcp');
  const [address, gateway] = way.split(' ');
  const inside = await ask(ASKED.inside, ourAddress, '192.168.1.1/24');
  const timezone = await ask(ASKED.timezone, timeZone, 'Asia/Tokyo');
  const peer = await ask(
    ASKED.peer,
    either(ipv4, hostName, { allowed: 'none', parse: (t) => (t === 'none' ? t : undefined) }),
    'none',
  );
  const tunnel =
    peer === 'none'
      ? {}
      : {
          tunnel: {
            peer,
            network: await ask(ASKED.network, network),
            key: await ask(ASKED.key, text(255, 1), undefined, true),
          },
        };
  const source = configurationOf({
    ...{ passwordHash, inside, timezone, aes: hasAes(), ...tunnel },
    outside: way === 'dhcp' ? 'dhcp' : { address, gateway },
  });
  // A box has several consoles, and somebody may have answered at another one.
  if ((await session.refresh())?.blank !== true) return { ok: false, text: ASKED.meanwhile[language] };
  const made = await session.request({ command: 'reload', file: 'the answers', source });
  if (!made.ok) return said(made);
  const saved = await session.request({ command: 'save' });
  return saved.ok ? { ok: true, text: ASKED.done[language] } : said(saved);
}

/** Without them ChaCha20 is several times as fast. */
function hasAes(): boolean {
  return /^(?:flags|Features)\s*:.*\baes\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
}

/** The answers as a configuration: nothing comes in from outside but what was asked for and the tunnel. */
export function configurationOf({ passwordHash, outside, inside, timezone, aes, tunnel }: Answers): string {
  const lines: (readonly [key: string, value: string | number])[] = [
    ['interface.ge0.ipv4.address', outside === 'dhcp' ? 'dhcp' : outside.address],
    ['interface.ge1.ipv4.address', inside],
    ['route.ipv4.0.destination', 'default'],
    ['route.ipv4.0.gateway', outside === 'dhcp' ? 'dhcp' : outside.gateway],
    ['nat.ipv4.napt.0.private', networkOf(inside)],
    ['nat.ipv4.napt.0.interface', 'ge0'],
    ...filter(100, 'out', 'pass'),
    ['filter.ipv4.100.state', 'enable'],
    ...filter(900, 'in', 'block'),
    ['dhcp.server.service', 'enable'],
    ['dhcp.server.0.interface', 'ge1'],
    ...pool(inside),
    ['dns-forwarder.service', 'enable'],
    ['dns-forwarder.0.address', outside === 'dhcp' ? 'dhcp' : outside.gateway],
    ['dns-forwarder.listen.0.interface', 'ge1'],
    ['ntp.service', 'enable'],
    ['ntp.client.0.address', TIME_SERVER],
    ['option.timezone', timezone],
    ['login.admin.encrypted-password', passwordHash],
    ['sshd.service', 'enable'],
    ['sshd.password-authentication', 'enable'],
    ['sshd.access', 'lan'],
    ...(tunnel ? tunnelLines(tunnel, inside, aes) : []),
  ];
  return lines.map(([key, value]) => `${key} : ${quote(String(value))}\n`).join('');
}

function filter(n: number, direction: string, action: string): (readonly [string, string])[] {
  const at = `filter.ipv4.${n}`;
  return [
    [`${at}.interface`, 'ge0'],
    [`${at}.direction`, direction],
    [`${at}.action`, action],
  ];
}

/** Behind our own address where there is room, else before it. */
function pool(inside: string): (readonly [string, string | number])[] {
  const { address, length } = splitCidr(inside);
  const first = ipv4Number(splitCidr(networkOf(inside)).address) + 1;
  const last = first + 2 ** (32 - length) - 3;
  const own = ipv4Number(address);
  const [from, to] = last - own >= own - first ? [own + 1, last] : [first, own - 1];
  const count = Math.min(MOST_LENT, to - from + 1);
  return [
    ['dhcp.server.0.pool.address', `${ipv4Of(to - count + 1)}/${length}`],
    ['dhcp.server.0.pool.count', count],
  ];
}

function tunnelLines(
  { peer, key, network }: NonNullable<Answers['tunnel']>,
  inside: string,
  aes: boolean,
): (readonly [string, string | number])[] {
  const at = 'interface.ipsec0';
  const own = splitCidr(inside).address;
  const ciphers = aes
    ? ['aes256', 'aes128-gcm16', 'chacha20-poly1305']
    : ['chacha20-poly1305', 'aes256', 'aes128-gcm16'];
  return [
    [`${at}.ipv4.address`, `${own}/32`],
    [`${at}.ipv4.source`, 'ge0'],
    [`${at}.ipv4.destination`, peer],
    [`${at}.preshared-key`, key],
    [`${at}.ike.version`, 2],
    [`${at}.ike.proposal.phase1.encryption.0.algorithm`, 'aes256'],
    [`${at}.ike.proposal.phase1.hash.0.algorithm`, 'sha256'],
    [`${at}.ike.proposal.phase1.dh-group`, 'modp2048'],
    ...ciphers.map((cipher, i) => [`${at}.ike.proposal.phase2.encryption.${i}.algorithm`, cipher] as const),
    [`${at}.ike.proposal.phase2.authentication.0.algorithm`, 'hmac-sha256'],
    [`${at}.ike.proposal.phase2.proxy-id.ipv4.local`, networkOf(inside)],
    [`${at}.ike.proposal.phase2.proxy-id.ipv4.remote`, network],
    ['route.ipv4.1.destination', network],
    ['route.ipv4.1.gateway', 'ipsec0'],
  ];
}
