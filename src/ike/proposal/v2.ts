// IKEv2 proposals (RFC 7296 3.3): from policy to wire, from wire to names, and the choice back to wire.
import {
  CIPHERS,
  type CipherName,
  GROUPS,
  type GroupName,
  HASHES,
  type HashName,
} from '../crypto/algorithm.ts';
import { type ChildPolicy, type IkePolicy, keyOf } from '../policy.ts';
import type { Reason } from '../reason.ts';
import { PROTOCOL, TRANSFORM as T } from '../wire/numbers.ts';
import type { Proposal, Transform } from '../wire/v2.ts';
import { type Alternatives, type Choice, type Dimension, match, mismatch } from './match.ts';
import { cipherName, groupName, integrityName, prfName } from './names.ts';

export type IkeSuite = {
  readonly cipher: CipherName;
  /** Absent with an AEAD cipher. */
  readonly integrity?: HashName;
  readonly prf: HashName;
  readonly group: GroupName;
};

export type EspSuite = {
  readonly cipher: CipherName;
  readonly integrity?: HashName;
  readonly group?: GroupName;
  readonly esn: boolean;
};

/** More proposals than any peer makes (Windows: 18): what a hostile first message may cost. */
const MAX_PROPOSALS = 64;

const TYPE: Partial<Record<Dimension, number>> = {
  encryption: T.ENCR,
  prf: T.PRF,
  integrity: T.INTEG,
  group: T.KE,
  esn: T.ESN,
};

/** AEAD ciphers and the others go into proposals of their own (RFC 7296 3.3); the better kind comes first. */
function byKind(ciphers: readonly CipherName[], rest: (aead: boolean) => Alternatives): Alternatives[] {
  const kinds = [...new Set(ciphers.map((c) => CIPHERS[c].aead))];
  return kinds.map((aead) => ({
    encryption: ciphers.filter((c) => CIPHERS[c].aead === aead),
    ...rest(aead),
  }));
}

export function ikeAlternatives(p: IkePolicy): Alternatives[] {
  return byKind(p.ciphers, (aead) => ({
    ...(aead ? {} : { integrity: p.hashes }),
    prf: p.hashes,
    group: p.groups,
  }));
}

/** `groups` is empty in IKE_AUTH, where the keys come from the IKE SA's own exchange (RFC 7296 1.2). */
export function espAlternatives(
  p: Pick<ChildPolicy, 'ciphers' | 'hashes' | 'esn'>,
  groups: readonly string[],
): Alternatives[] {
  return byKind(p.ciphers, (aead) => ({
    ...(aead ? {} : { integrity: p.hashes }),
    ...(groups.length > 0 ? { group: groups } : {}),
    esn: p.esn ? ['esn', 'no-esn'] : ['no-esn'],
  }));
}

export function toWire(protocol: number, spi: Uint8Array, alternatives: readonly Alternatives[]): Proposal[] {
  return alternatives.map((a, i) => ({
    number: i + 1,
    protocol,
    spi,
    transforms: Object.entries(a).flatMap(([d, values]) =>
      values.filter((v) => v !== 'none').map((v) => transform(d as Dimension, v)),
    ),
  }));
}

function transform(d: Dimension, value: string): Transform {
  const type = TYPE[d] ?? 0;
  switch (d) {
    case 'encryption': {
      const c = CIPHERS[value as CipherName];
      return { type, id: c.espId, ...(c.keyLength ? { keyLength: c.keyLength } : {}) };
    }
    case 'prf':
      return { type, id: HASHES[value as HashName].prfId };
    case 'integrity':
      return { type, id: HASHES[value as HashName].integId };
    case 'group':
      return { type, id: GROUPS[value as GroupName].id };
    default:
      return { type, id: value === 'esn' ? 1 : 0 };
  }
}

/** A proposal of the peer by name; what we do not know keeps its number, so that reasons can show it. */
export function fromWire(p: Proposal): Alternatives {
  const out: Partial<Record<Dimension, string[]>> = {};
  for (const t of p.transforms) {
    const d = (Object.keys(TYPE) as Dimension[]).find((key) => TYPE[key] === t.type);
    // An unknown transform type rules the proposal out (RFC 7296 3.3.6); 'protocol' is a dimension nobody accepts.
    const key = d ?? 'protocol';
    out[key] = [...(out[key] ?? []), t.unknown ? `${nameOf(t)} with unknown attributes` : nameOf(t)];
  }
  return out;
}

function nameOf(t: Transform): string {
  switch (t.type) {
    case T.ENCR:
      return cipherName(t.id, t.keyLength);
    case T.PRF:
      return prfName(t.id);
    case T.INTEG:
      return t.id === 0 ? 'none' : integrityName(t.id);
    case T.KE:
      return t.id === 0 ? 'none' : groupName(t.id);
    case T.ESN:
      return t.id === 1 ? 'esn' : 'no-esn';
    default:
      return `transform type ${t.type}`;
  }
}

/** Where the dimensions of an offer are configured. `at`: ConnectionPolicy.at. */
export function phase1Keys(at: string): Partial<Record<Dimension, string>> {
  const proposal = keyOf(at, 'ike.proposal.phase1');
  return {
    encryption: `${proposal}.encryption`,
    hash: `${proposal}.hash`,
    prf: `${proposal}.hash`,
    integrity: `${proposal}.hash`,
    group: `${proposal}.dh-group`,
  };
}

export function phase2Keys({ at }: ChildPolicy): Partial<Record<Dimension, string>> {
  const proposal = keyOf(at, 'ike.proposal.phase2');
  return {
    encryption: `${proposal}.encryption`,
    integrity: `${proposal}.authentication`,
    group: `${proposal}.pfs-group`,
    esn: keyOf(at, 'esn'),
    mode: keyOf(at, at.startsWith('ipsec.') ? 'mode' : 'nat-traversal'),
  };
}

export type Chosen<S> =
  | { readonly ok: true; readonly suite: S; readonly proposal: Proposal }
  | { readonly ok: false; readonly reason: Reason };

/** Chooses for an IKE SA among the peer's proposals; `keGroup` is the group of the KE payload it sent. */
export function chooseIke(
  at: string,
  p: IkePolicy,
  offered: readonly Proposal[],
  keGroup?: number,
): Chosen<IkeSuite> {
  const ours = ikeAlternatives(p);
  const usable = offered.filter((o) => o.protocol === PROTOCOL.ISAKMP).slice(0, MAX_PROPOSALS);
  const names = usable.map(fromWire);
  let result = match(ours, names);
  const sent = Object.values(GROUPS).find((g) => g.id === keGroup);
  if (result.ok && sent && p.groups.includes(sent.name) && result.choice.group !== sent.name) {
    // The group the peer already computed for saves a round trip, and no strength is lost (ike.md 2.10 rule 3).
    const ownChoice = GROUPS[result.choice.group as GroupName];
    const again = match(
      ours.map((a) => ({ ...a, group: [sent.name] })),
      names,
    );
    if (again.ok && sent.strength >= ownChoice.strength) result = again;
  }
  if (!result.ok) {
    return { ok: false, reason: mismatch('IKE', ours, names, result, phase1Keys(at)) };
  }
  const { choice, offer } = result;
  return {
    ok: true,
    suite: ikeSuite(choice),
    proposal: answer(usable[offer], choice, usable[offer].spi),
  };
}

export function chooseEsp(
  p: ChildPolicy,
  offered: readonly Proposal[],
  groups: readonly string[],
  spi: Uint8Array,
): Chosen<EspSuite> {
  const ours = espAlternatives(p, groups);
  const usable = offered
    .filter((o) => o.protocol === PROTOCOL.ESP && o.spi.length === 4)
    .slice(0, MAX_PROPOSALS);
  // In IKE_AUTH a Diffie-Hellman transform has no meaning yet, so it cannot rule anything out.
  const names = usable.map((o) => (groups.length > 0 ? fromWire(o) : { ...fromWire(o), group: ['none'] }));
  const result = match(ours, names);
  if (!result.ok) {
    return { ok: false, reason: mismatch('ESP', ours, names, result, phase2Keys(p)) };
  }
  const proposal = usable[result.offer];
  return { ok: true, suite: espSuite(result.choice), proposal: answer(proposal, result.choice, spi) };
}

/** The SPI of the peer in the proposal that chooseEsp answered. */
export function offeredSpi(offered: readonly Proposal[], number: number): Uint8Array | undefined {
  return offered.find((o) => o.number === number && o.protocol === PROTOCOL.ESP)?.spi;
}

function ikeSuite(c: Choice): IkeSuite {
  return {
    cipher: c.encryption as CipherName,
    ...(c.integrity && c.integrity !== 'none' ? { integrity: c.integrity as HashName } : {}),
    prf: c.prf as HashName,
    group: c.group as GroupName,
  };
}

function espSuite(c: Choice): EspSuite {
  return {
    cipher: c.encryption as CipherName,
    ...(c.integrity && c.integrity !== 'none' ? { integrity: c.integrity as HashName } : {}),
    ...(c.group && c.group !== 'none' ? { group: c.group as GroupName } : {}),
    esn: c.esn === 'esn',
  };
}

/** The answer keeps the number of the proposal it takes and one transform a type (RFC 7296 3.3). */
function answer(proposal: Proposal, choice: Choice, spi: Uint8Array): Proposal {
  const chosen = Object.entries(choice).filter(([, v]) => v !== 'none');
  return {
    number: proposal.number,
    protocol: proposal.protocol,
    spi,
    transforms: chosen
      .filter(([d]) => proposal.transforms.some((t) => t.type === TYPE[d as Dimension]))
      .map(([d, v]) => transform(d as Dimension, v)),
  };
}
