// `password`: asked for twice, and told to the router as a hash alone.
import { randomBytes, scryptSync } from 'node:crypto';
import type { Args } from '../../src/dialect/grammar/match.ts';
import type { Language } from '../../src/dialect/grammar/pattern.ts';
import { type Outcome, type Person, type Session, said } from './session.ts';
import { TEXTS } from './texts.ts';

/** A password that a person types at a console all the same. */
const SHORTEST = 8;

export async function setPassword(session: Session, args: Args): Promise<Outcome> {
  const { person } = session;
  const { language } = session.terminal;
  if (!person) return { ok: false, text: `${TEXTS.atTerminal[language]}\n` };
  const chosen = await choosePassword(person, language);
  if (!chosen.ok) return { ok: false, text: `${chosen.why}\n` };
  const account = args.account === 'user' ? 'user' : 'admin';
  return said(await session.request({ command: 'password', account, hash: chosen.hash }));
}

type Chosen =
  | { readonly ok: true; readonly hash: string }
  | { readonly ok: false; readonly why: string; readonly calledOff?: true };

function calledOff(language: Language): Chosen {
  return { ok: false, why: TEXTS.calledOff[language], calledOff: true };
}

/** Once, and once more. */
export async function choosePassword(person: Person, language: Language): Promise<Chosen> {
  const first = await person.ask(TEXTS.newPassword[language], true);
  if (first === undefined) return calledOff(language);
  if (first.length < SHORTEST) return { ok: false, why: TEXTS.shortPassword[language] };
  const again = await person.ask(TEXTS.samePassword[language], true);
  if (again === undefined) return calledOff(language);
  return again === first
    ? { ok: true, hash: hashed(first) }
    : { ok: false, why: TEXTS.otherPassword[language] };
}

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Cost: 2^14 blocks of 1 kB (r = 8), which takes 16 MB and a twentieth of a second (RFC 7914 2). */
const [LOG_N, R, P] = [14, 8, 1];

/** As crypt(5) writes scrypt: $7$, N, r and p, salt, hash; numbers and hash by six bits, the lowest first. */
export function hashed(password: string, salt = sixes(randomBytes(16))): string {
  const key = scryptSync(password, salt, 32, { N: 2 ** LOG_N, r: R, p: P, maxmem: 64 << 20 });
  return `$7$${ALPHABET[LOG_N]}${number(R)}${number(P)}${salt}$${sixes(key)}`;
}

/** 30 bits. */
function number(value: number): string {
  return Array.from({ length: 5 }, (_, i) => ALPHABET[(value >> (6 * i)) & 63]).join('');
}

function sixes(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const part = bytes.subarray(at, at + 3);
    const value = part.reduce((sum, octet, i) => sum + octet * 2 ** (8 * i), 0);
    for (let i = 0; i < Math.ceil((part.length * 8) / 6); i++)
      text += ALPHABET[Math.floor(value / 64 ** i) % 64];
  }
  return text;
}
