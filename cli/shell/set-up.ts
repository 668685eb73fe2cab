// The first start of a box: five questions, and a network, a way outside and perhaps a tunnel work.
import { readFileSync } from 'node:fs';
import { timeZone } from '../../src/config/schema/access.ts';
import { findLeaf, type ValueType } from '../../src/config/schema/index.ts';
import { either, hostName, ipv4, ipv4Cidr } from '../../src/config/schema/types.ts';
import type { Language, Text } from '../../src/dialect/grammar/pattern.ts';
import { quote } from '../../src/dialect/seil/line.ts';
import { ipv4Number, ipv4Of, networkOf, overlap, splitCidr } from '../../src/net/address.ts';
import { choosePassword } from './password.ts';
import { type Outcome, type Person, type Session, said } from './session.ts';

/** Who tells the time in Japan (NICT). */
const TIME_SERVER = 'ntp.nict.jp';

/** How many addresses are given out, where the network has so many. */
const MOST_LENT = 100;

export type Answers = {
  readonly passwordHash: string;
  /** DHCP, or our address with the gateway and whom to ask for names. */
  readonly outside: 'dhcp' | { readonly address: string; readonly gateway: string; readonly dns: string };
  /** Our address in the network inside, with its length; of a box with one port there is none. */
  readonly inside?: string;
  readonly timezone: string;
  /** Whether the processor has instructions for AES. */
  readonly aes: boolean;
  readonly tunnel?: { readonly peer: string; readonly key: string; readonly network: string };
};

/** Not those that the usual routers of providers have, which may be before us. */
const INSIDE = '192.168.100.1/24';

const ASKED = {
  welcome: {
    en: "This router is not configured yet. Five questions; Enter takes what is\nin brackets, Ctrl-C begins again. The screen's keyboard is taken for a US one.\n\n",
    ja: 'このルーターは未設定です。5つの質問に答えてください。Enterで[ ]内の値になり、\nCtrl-Cで最初からやり直します。画面のキーボードはUS配列です。\n\n',
  },
  outside: {
    en: '2/5 ge0, outside: dhcp, or address/length gateway dns [dhcp]: ',
    ja: '2/5 ge0(インターネット側): dhcp、または アドレス/長さ ゲートウェイ DNS [dhcp]: ',
  },
  onePort: {
    en: '3/5 There is no second Ethernet port for your network. Plug one in and press Enter,\n    or type one to go on with ge0 alone: ',
    ja: '3/5 LAN側のEthernetポートがありません。接続してEnterを押すか、\n    ge0のみで続ける場合は one と入力してください: ',
  },
  inside: {
    en: `3/5 ge1, your network: our address [${INSIDE}]: `,
    ja: `3/5 ge1(LAN側): 本機のアドレス [${INSIDE}]: `,
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
  keyAgain: { en: '    Once more: ', ja: '    確認のためもう一度: ' },
  otherKey: { en: 'The two are not the same.\n', ja: '一致しません。\n' },
  sure: { en: '\nEnter sets this up, no begins again: ', ja: '\nEnterで設定します。やり直す場合は no: ' },
  wrong: { en: 'Not understood. Type', ja: '入力を確認してください。入力できる値:' },
  password: { en: '1/5 Password of admin. ', ja: '1/5 管理者(admin)のパスワード。' },
  again: {
    en: 'Nothing is set. Again from the first question.\n',
    ja: 'まだ何も設定していません。最初の質問からやり直します。\n',
  },
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
    'dhcp, or an address with its length, a gateway in that network and perhaps a DNS server, like 203.0.113.2/24 203.0.113.1 192.0.2.53',
  parse: (t) => {
    const [address = '', gateway = '', dns = gateway, more] = t.trim().split(/\s+/);
    if (address === 'dhcp' && gateway === '') return 'dhcp';
    const [own, next, names] = [ipv4Cidr.parse(address), ipv4.parse(gateway), ipv4.parse(dns)];
    if (own === undefined || next === undefined || names === undefined || more !== undefined)
      return undefined;
    const { address: host, length } = splitCidr(String(own));
    return networkOf(String(own)) === networkOf(`${next}/${length}`) && host !== next
      ? `${own} ${next} ${names}`
      : undefined;
  },
};

/** Room for hosts beside us; `outside`: where there is an address in it. */
function ourAddress(outside: string | undefined): ValueType {
  const not = outside === undefined ? '' : `, outside of ${networkOf(outside)}`;
  return {
    allowed: `our address with the length of the network, 8 to 29, like ${INSIDE}${not}`,
    parse: (t) => {
      const own = ipv4Cidr.parse(t);
      if (own === undefined) return undefined;
      const { address, length } = splitCidr(String(own));
      if (length < 8 || length > 29 || (outside !== undefined && overlap(String(own), outside)))
        return undefined;
      // The network itself, and its broadcast address, are nobody's.
      const host = ipv4Number(address) % 2 ** (32 - length);
      return host === 0 || host === 2 ** (32 - length) - 1 ? undefined : own;
    },
  };
}

/** Elsewhere than what is here. */
function networkBeyond(own: readonly string[]): ValueType {
  return {
    allowed: `a network like 192.168.2.0/24, other than ${own.map(networkOf).join(' and ')}`,
    parse: (t) => {
      const there = ipv4Cidr.parse(t);
      if (there === undefined || own.some((cidr) => overlap(cidr, String(there)))) return undefined;
      return networkOf(String(there));
    },
  };
}

const noneOr = (...types: readonly [ValueType, ValueType]): ValueType =>
  either(...types, { allowed: 'none', parse: (t) => (t === 'none' ? t : undefined) });

const KEY = findLeaf('interface.ipsec0.preshared-key')?.leaf.type as ValueType;

/** Whoever answers begins again. */
class Again extends Error {}

class Questions {
  readonly #session: Session;
  readonly #person: Person;
  readonly #language: Language;

  constructor(session: Session, person: Person) {
    this.#session = session;
    this.#person = person;
    this.#language = session.terminal.language;
  }

  tell(text: Text): void {
    this.#person.tell(text[this.#language]);
  }

  async typed(question: Text, hidden = false): Promise<string> {
    const typed = await this.#person.ask(question[this.#language], hidden);
    if (typed === undefined) throw new Again();
    return typed;
  }

  /** Asks until the answer is one. */
  async ask(question: Text, type: ValueType, usual?: string): Promise<string> {
    for (;;) {
      const typed = (await this.typed(question)).trim();
      const value = type.parse(typed === '' && usual !== undefined ? usual : typed);
      if (value !== undefined) return String(value);
      this.#person.tell(`${ASKED.wrong[this.#language]} ${type.allowed}.\n`);
    }
  }

  async password(): Promise<string> {
    for (;;) {
      this.tell(ASKED.password);
      const chosen = await choosePassword(this.#person, this.#language);
      if (chosen.ok) return chosen.hash;
      if (chosen.calledOff) throw new Again();
      this.#person.tell(`${chosen.why}\n`);
    }
  }

  /** Hidden, and so typed twice. Blanks count. */
  async key(): Promise<string> {
    for (;;) {
      const key = await this.typed(ASKED.key, true);
      if (KEY.parse(key) === undefined) this.#person.tell(`${ASKED.wrong[this.#language]} ${KEY.allowed}.\n`);
      else if ((await this.typed(ASKED.keyAgain, true)) === key) return key;
      else this.tell(ASKED.otherKey);
    }
  }

  /** What there is, for people, and how many. */
  async ports(): Promise<{ readonly text: string; readonly count: number }> {
    const answer = await this.#session.request({ command: 'show', what: 'status port' });
    if (!answer.ok) return { text: answer.error, count: 0 };
    return { text: answer.text, count: (answer.data as readonly unknown[]).length };
  }

  /** Whether there is a port for a network inside, now or when somebody has plugged it in. */
  async secondPort(): Promise<boolean> {
    while ((await this.ports()).count === 1) {
      const typed = (await this.typed(ASKED.onePort)).trim();
      if (typed === 'one') return false;
    }
    return true;
  }

  async all(): Promise<Answers> {
    this.#person.tell(`${(await this.ports()).text}\n`);
    const passwordHash = await this.password();
    const way = await this.ask(ASKED.outside, wayOut, 'dhcp');
    const [address, gateway, dns] = way.split(' ');
    const own = way === 'dhcp' ? undefined : address;
    const inside = (await this.secondPort())
      ? { inside: await this.ask(ASKED.inside, ourAddress(own), INSIDE) }
      : {};
    const timezone = await this.ask(ASKED.timezone, timeZone, 'Asia/Tokyo');
    return {
      ...{ passwordHash, timezone, aes: hasAes(), ...inside },
      outside: way === 'dhcp' ? 'dhcp' : { address, gateway, dns },
      ...(inside.inside === undefined ? {} : await this.tunnel(inside.inside, own)),
    };
  }

  async tunnel(inside: string, outside: string | undefined): Promise<Pick<Answers, 'tunnel'>> {
    const peer = await this.ask(ASKED.peer, noneOr(ipv4, hostName), 'none');
    if (peer === 'none') return {};
    const beyond = networkBeyond(outside === undefined ? [inside] : [inside, outside]);
    return { tunnel: { peer, network: await this.ask(ASKED.network, beyond), key: await this.key() } };
  }

  /** Once more before anything happens. */
  async sure(): Promise<void> {
    if ((await this.typed(ASKED.sure)).trim() !== '') throw new Again();
  }
}

export async function setUp(session: Session): Promise<Outcome> {
  const { person } = session;
  const { language } = session.terminal;
  if (!person) return { ok: false, text: '' };
  const questions = new Questions(session, person);
  questions.tell(ASKED.welcome);
  let source: string;
  try {
    source = configurationOf(await questions.all());
    await questions.sure();
  } catch (e) {
    // The login before us begins anew.
    if (e instanceof Again) return { ok: false, text: ASKED.again[language] };
    throw e;
  }
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

/**
 * The answers as a configuration: nothing comes in from outside but what was asked for and the tunnel. Without a network
 * inside there is nobody to serve, and the console is the way to configure more.
 */
export function configurationOf(answers: Answers): string {
  const { passwordHash, outside, inside, timezone } = answers;
  const lines: (readonly [key: string, value: string | number])[] = [
    ['interface.ge0.ipv4.address', outside === 'dhcp' ? 'dhcp' : outside.address],
    ['route.ipv4.0.destination', 'default'],
    ['route.ipv4.0.gateway', outside === 'dhcp' ? 'dhcp' : outside.gateway],
    ...filter(100, 'out', 'pass'),
    ['filter.ipv4.100.state', 'enable'],
    ...filter(900, 'in', 'block'),
    ...(outside === 'dhcp' ? [] : [['resolver.0.address', outside.dns] as const]),
    ['ntp.service', 'enable'],
    ['ntp.client.0.address', TIME_SERVER],
    ['option.timezone', timezone],
    ['login.admin.encrypted-password', passwordHash],
    ...(inside === undefined ? [] : insideLines(inside, answers)),
  ];
  return lines.map(([key, value]) => `${key} : ${quote(String(value))}\n`).join('');
}

function insideLines(
  inside: string,
  { outside, tunnel, aes }: Answers,
): (readonly [key: string, value: string | number])[] {
  return [
    ['interface.ge1.ipv4.address', inside],
    ['nat.ipv4.napt.0.private', networkOf(inside)],
    ['nat.ipv4.napt.0.interface', 'ge0'],
    ['dhcp.server.service', 'enable'],
    ['dhcp.server.0.interface', 'ge1'],
    ...pool(inside),
    ['dns-forwarder.service', 'enable'],
    ['dns-forwarder.0.address', outside === 'dhcp' ? 'dhcp' : outside.dns],
    ['dns-forwarder.listen.0.interface', 'ge1'],
    ['sshd.service', 'enable'],
    ['sshd.password-authentication', 'enable'],
    ['sshd.access', 'lan'],
    ...(tunnel ? tunnelLines(tunnel, inside, aes) : []),
  ];
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
