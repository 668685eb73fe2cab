// How much an algorithm still holds, by the names of names.ts, ours and others': for those who look at proposals.

export type Weakness = {
  /** Broken: within reach of attackers with means. Weak: still standing, but no choice for something new. */
  readonly grade: 'broken' | 'weak';
  /** Why, in a few words. */
  readonly why: string;
};

const broken = (why: string): Weakness => ({ grade: 'broken', why });
const weak = (why: string): Weakness => ({ grade: 'weak', why });

/** RFC 8247 (IKEv2), RFC 8221 (ESP), RFC 9395 (the rest of IKEv1's). */
const WEAKNESSES: Readonly<Record<string, Weakness>> = {
  des: broken('56-bit keys'),
  'des-iv32': broken('56-bit keys'),
  'des-iv64': broken('56-bit keys'),
  'des-mac': broken('56-bit keys'),
  null: broken('no encryption'),
  rc5: weak('RFC 8247 forbids it'),
  idea: weak('RFC 8247 forbids it'),
  cast: weak('64-bit blocks'),
  blowfish: weak('64-bit blocks'),
  '3des': weak('64-bit blocks, and slow'),
  md5: broken('MD5'),
  'md5-128': broken('MD5'),
  sha1: weak('SHA-1'),
  'sha1-160': weak('SHA-1'),
  tiger: weak('nobody uses it'),
  modp768: broken('a 768-bit prime has been broken in public'),
  modp1024: broken('a 1024-bit prime is within reach of states'),
  modp1536: weak('a 1536-bit prime'),
  'modp1024-160': broken('RFC 8247 forbids it: its prime may hold a trapdoor'),
  'modp2048-224': weak('RFC 8247 advises against it: its prime may hold a trapdoor'),
  'modp2048-256': weak('RFC 8247 advises against it: its prime may hold a trapdoor'),
  ecp192: weak('a 192-bit curve'),
};

/** Undefined for what is sound, and for what we do not know. A key length behind the name does not matter. */
export function weaknessOf(name: string): Weakness | undefined {
  const [bare] = name.split('/');
  return Object.hasOwn(WEAKNESSES, bare) ? WEAKNESSES[bare] : undefined;
}

/** For people: " (weak: sha1, modp1536)" where a suite has such parts, else nothing. */
export function weakness(suite: { readonly [part: string]: unknown }): string {
  const parts = Object.values(suite).map(String);
  const found = new Set(parts.filter((name) => weaknessOf(name) !== undefined));
  return found.size > 0 ? ` (weak: ${[...found].join(', ')})` : '';
}
