// IKEv1 proposals (RFC 2409 A, RFC 2407 4.5): SEIL offers the whole product of its lists, encryption outermost.
import {
  CIPHERS,
  type CipherName,
  GROUPS,
  type GroupName,
  HASHES,
  type HashName,
} from '../crypto/algorithm.ts';
import type { ChildPolicy, ConnectionPolicy, Credential, IkePolicy } from '../policy.ts';
import type { Reason } from '../reason.ts';
import { type Attribute, attribute } from '../wire/attribute.ts';
import {
  ATTRIBUTE_P1 as A1,
  ATTRIBUTE_P2 as A2,
  AUTH_V1,
  ENCAPSULATION,
  FOREIGN_AUTH_V1,
  KEY_IKE,
  LIFE_KILOBYTES,
  LIFE_SECONDS,
  nameOf,
  PROTOCOL,
} from '../wire/numbers.ts';
import type { Proposal, Transform } from '../wire/v1.ts';
import { type Alternatives, match, mismatch } from './match.ts';
import { cipherName, groupName, phase1CipherName, phase1HashName } from './names.ts';
import { type EspSuite, phase1Keys, phase2Keys } from './v2.ts';

export type IsakmpSuite = {
  readonly cipher: CipherName;
  readonly hash: HashName;
  readonly group: GroupName;
  /** Seconds; the initiator's wish, which a responder follows. */
  readonly lifetime?: number;
};

export type PhaseTwoSuite = EspSuite & {
  readonly seconds?: number;
  readonly octets?: number;
  /** The encapsulation mode as offered: it is echoed. */
  readonly mode: number;
};

/** Attribute order as SEIL's: life type, life duration, encryption, key length, authentication, hash, group. */
export function phase1Proposal(p: IkePolicy, method: Credential['method']): Proposal {
  const authentication = method === 'preshared-key' ? AUTH_V1.PRESHARED_KEY : AUTH_V1.RSA_SIGNATURE;
  const transforms: Transform[] = [];
  for (const group of p.groups) {
    for (const name of p.ciphers) {
      const cipher = CIPHERS[name];
      for (const hash of p.hashes) {
        transforms.push({
          number: transforms.length + 1,
          id: KEY_IKE,
          attributes: [
            attribute(A1.LIFE_TYPE, LIFE_SECONDS),
            attribute(A1.LIFE_DURATION, p.lifetime),
            attribute(A1.ENCRYPTION, cipher.phase1Id!),
            ...(cipher.keyLength ? [attribute(A1.KEY_LENGTH, cipher.keyLength)] : []),
            attribute(A1.AUTHENTICATION, authentication),
            attribute(A1.HASH, HASHES[hash].phase1Id),
            attribute(A1.GROUP, GROUPS[group].id),
          ],
        });
      }
    }
  }
  return { number: 1, protocol: PROTOCOL.ISAKMP, spi: new Uint8Array(0), transforms };
}

export function phase2Proposal(p: ChildPolicy, spi: Uint8Array, mode: number): Proposal {
  const transforms: Transform[] = [];
  for (const name of p.ciphers) {
    const cipher = CIPHERS[name];
    for (const hash of cipher.aead ? [undefined] : p.hashes) {
      transforms.push({
        number: transforms.length + 1,
        id: cipher.espId,
        attributes: [
          attribute(A2.LIFE_TYPE, LIFE_SECONDS),
          attribute(A2.LIFE_DURATION, p.seconds),
          ...(p.octets
            ? [
                attribute(A2.LIFE_TYPE, LIFE_KILOBYTES),
                attribute(A2.LIFE_DURATION, Math.ceil(p.octets / 1024)),
              ]
            : []),
          attribute(A2.ENCAPSULATION, mode),
          ...(cipher.keyLength ? [attribute(A2.KEY_LENGTH, cipher.keyLength)] : []),
          ...(hash ? [attribute(A2.AUTHENTICATION, HASHES[hash].phase2Id)] : []),
          ...(p.pfs ? [attribute(A2.GROUP, GROUPS[p.pfs].id)] : []),
          ...(p.esn ? [attribute(A2.ESN, 1)] : []),
        ],
      });
    }
  }
  return { number: 1, protocol: PROTOCOL.ESP, spi, transforms };
}

/** More transforms than any product of lists makes: what a hostile first message may cost. */
const MAX_TRANSFORMS = 512;

const value = (list: readonly Attribute[], type: number) => list.find((a) => a.type === type)?.value;

/** Life durations follow their life type (RFC 2407 4.5): pairs, of which each kind may occur once. */
export function lifetimes(
  list: readonly Attribute[],
  typeId: number,
  durationId: number,
): { seconds?: number; octets?: number } {
  const out: { seconds?: number; octets?: number } = {};
  let kind = LIFE_SECONDS;
  for (const a of list) {
    if (a.type === typeId) kind = a.value;
    if (a.type !== durationId) continue;
    if (kind === LIFE_SECONDS) out.seconds = a.value;
    if (kind === LIFE_KILOBYTES) out.octets = a.value * 1024;
  }
  return out;
}

const AUTHENTICATION_NAMES: Readonly<Record<number, string>> = {
  [AUTH_V1.PRESHARED_KEY]: 'preshared-key',
  [AUTH_V1.RSA_SIGNATURE]: 'rsa-signature',
};

function authenticationName(method: number): string {
  const foreign = nameOf(FOREIGN_AUTH_V1, method);
  return AUTHENTICATION_NAMES[method] ?? (foreign === String(method) ? `method ${method}` : foreign);
}

/** A transform of phase 1 by name, whether we speak it or not. */
export function phase1Names(t: Transform): Alternatives {
  const a = t.attributes;
  const [e, k, h, g] = [A1.ENCRYPTION, A1.KEY_LENGTH, A1.HASH, A1.GROUP].map((type) => value(a, type));
  return {
    encryption: [phase1CipherName(e, k)],
    hash: [phase1HashName(h)],
    group: [groupName(g)],
    authentication: [authenticationName(value(a, A1.AUTHENTICATION) ?? 0)],
  };
}

/** A mode in words, and what it is without UDP; the drafts of NAT traversal had private numbers (RFC 3947 5.1). */
function modeNames(mode: number): [string, string] {
  switch (mode) {
    case ENCAPSULATION.TUNNEL:
      return ['tunnel', 'tunnel'];
    case ENCAPSULATION.TRANSPORT:
      return ['transport', 'transport'];
    case ENCAPSULATION.UDP_TUNNEL:
    case ENCAPSULATION.UDP_TUNNEL_DRAFT:
      return ['udp-tunnel', 'tunnel'];
    case ENCAPSULATION.UDP_TRANSPORT:
    case ENCAPSULATION.UDP_TRANSPORT_DRAFT:
      return ['udp-transport', 'transport'];
    default:
      return [`mode ${mode}`, `mode ${mode}`];
  }
}

function phase2Names(t: Transform, mode: number): Alternatives {
  const a = t.attributes;
  const k = value(a, A2.KEY_LENGTH);
  const cipher = Object.values(CIPHERS).find((c) => c.espV1 && c.espId === t.id && c.keyLength === k);
  const auth = value(a, A2.AUTHENTICATION);
  const group = value(a, A2.GROUP);
  const hash = Object.values(HASHES).find((h) => h.phase2Id === auth)?.name;
  // Absent, the host decides: tunnel (RFC 2407 4.5).
  const [modeName, plain] = modeNames(value(a, A2.ENCAPSULATION) ?? ENCAPSULATION.TUNNEL);
  const [wanted, wantedPlain] = modeNames(mode);
  return {
    encryption: [cipher?.name ?? cipherName(t.id, k)],
    ...(auth === undefined ? {} : { integrity: [hash ?? `integrity ${auth}`] }),
    group: [group === undefined ? 'none' : groupName(group)],
    esn: [value(a, A2.ESN) === 1 ? 'esn' : 'no-esn'],
    // Some peers ask for the plain mode although both found a NAT; what it means is then clear.
    mode: modeName === plain && plain === wantedPlain ? [modeName, wanted] : [modeName],
  };
}

export type ChosenV1<S> =
  | { readonly ok: true; readonly suite: S; readonly proposal: Proposal }
  | { readonly ok: false; readonly reason: Reason };

/** The first transform of the peer that we accept; the answer repeats it unchanged (RFC 2408 4.2). */
export function choosePhase1(
  at: string,
  p: IkePolicy,
  method: Credential['method'],
  offered: readonly Proposal[],
): ChosenV1<IsakmpSuite> {
  const authentication = method === 'preshared-key' ? 'preshared-key' : 'rsa-signature';
  const ours: Alternatives[] = [
    { encryption: p.ciphers, hash: p.hashes, group: p.groups, authentication: [authentication] },
  ];
  const transforms = offered.flatMap((o) =>
    o.protocol === PROTOCOL.ISAKMP ? o.transforms.map((t) => ({ proposal: o, t })) : [],
  );
  const names = transforms.slice(0, MAX_TRANSFORMS).map(({ t }) => phase1Names(t));
  const result = match(ours, names);
  if (!result.ok) return { ok: false, reason: mismatch('phase 1', ours, names, result, phase1Keys(at)) };
  const { proposal, t } = transforms[result.offer];
  const { seconds } = lifetimes(t.attributes, A1.LIFE_TYPE, A1.LIFE_DURATION);
  return {
    ok: true,
    suite: {
      cipher: result.choice.encryption as CipherName,
      hash: result.choice.hash as HashName,
      group: result.choice.group as GroupName,
      ...(seconds === undefined ? {} : { lifetime: seconds }),
    },
    proposal: { ...proposal, transforms: [t] },
  };
}

/** `mode` is what the policy and this IKE SA need: one of ENCAPSULATION. */
export function choosePhase2(
  policy: ConnectionPolicy,
  p: ChildPolicy,
  offered: readonly Proposal[],
  mode: number,
): ChosenV1<PhaseTwoSuite> & { readonly peerSpi?: Uint8Array } {
  const groups = p.pfs
    ? policy.checkLevel === 'exact' || policy.checkLevel === 'strict'
      ? [p.pfs]
      : undefined
    : undefined;
  const accepted = (aead: boolean): Alternatives => ({
    encryption: p.ciphers.filter((c) => CIPHERS[c].aead === aead),
    ...(aead ? {} : { integrity: p.hashes }),
    group: groups ?? ['none', ...Object.keys(GROUPS)],
    esn: p.esn ? ['esn', 'no-esn'] : ['no-esn'],
    mode: [modeNames(mode)[0]],
  });
  const ours = [false, true].map(accepted).filter((a) => a.encryption!.length > 0);
  const transforms = offered.flatMap((o) =>
    o.protocol === PROTOCOL.ESP && o.spi.length === 4 ? o.transforms.map((t) => ({ proposal: o, t })) : [],
  );
  const names = transforms.slice(0, MAX_TRANSFORMS).map(({ t }) => phase2Names(t, mode));
  const result = match(ours, names);
  if (!result.ok) return { ok: false, reason: mismatch('phase 2', ours, names, result, phase2Keys(p)) };
  const { proposal, t } = transforms[result.offer];
  const { choice } = result;
  return {
    ok: true,
    suite: {
      cipher: choice.encryption as CipherName,
      ...(choice.integrity && choice.integrity !== 'none' ? { integrity: choice.integrity as HashName } : {}),
      ...(choice.group && choice.group !== 'none' ? { group: choice.group as GroupName } : {}),
      esn: choice.esn === 'esn',
      mode: value(t.attributes, A2.ENCAPSULATION) ?? ENCAPSULATION.TUNNEL,
      ...lifetimes(t.attributes, A2.LIFE_TYPE, A2.LIFE_DURATION),
    },
    proposal: { ...proposal, transforms: [t] },
    peerSpi: proposal.spi,
  };
}
