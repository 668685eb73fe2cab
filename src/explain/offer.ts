// Offers and choices by name, of both versions in one form.

import type { Alternatives, Dimension } from '../ike/proposal/match.ts';
import { weaknessOf } from '../ike/proposal/strength.ts';
import { lifetimes, phase1Names } from '../ike/proposal/v1.ts';
import { fromWire } from '../ike/proposal/v2.ts';
import { ATTRIBUTE_P1 } from '../ike/wire/numbers.ts';
import type * as v1 from '../ike/wire/v1.ts';
import type * as v2 from '../ike/wire/v2.ts';

/** One proposal of IKEv2, or one transform of IKEv1's phase 1. */
export type Offer = {
  readonly number: number;
  readonly names: Alternatives;
  /** IKEv1: seconds. */
  readonly lifetime?: number;
};

/** More than any peer makes (Windows: 18 proposals, racoon some dozens of transforms); a bound for hostile ones. */
const MAX_OFFERS = 128;

export function offersV2(proposals: readonly v2.Proposal[]): Offer[] {
  return proposals.slice(0, MAX_OFFERS).map((p) => ({ number: p.number, names: fromWire(p) }));
}

export function offersV1(proposals: readonly v1.Proposal[]): Offer[] {
  const transforms = proposals.slice(0, MAX_OFFERS).flatMap((p) => p.transforms);
  return transforms.slice(0, MAX_OFFERS).map((t) => {
    const { seconds } = lifetimes(t.attributes, ATTRIBUTE_P1.LIFE_TYPE, ATTRIBUTE_P1.LIFE_DURATION);
    return {
      number: t.number,
      names: phase1Names(t),
      ...(seconds === undefined ? {} : { lifetime: seconds }),
    };
  });
}

/** Most names of one kind that a line shows. */
const SHOWN = 16;

function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? [`… ${names.length - SHOWN} more`] : [];
  return [...names.slice(0, SHOWN), ...more].join('|');
}

/** Two dimensions that have the same names for their values. */
const SAID: Partial<Record<Dimension, string>> = { prf: 'prf ', integrity: 'integrity ' };

/** "aes256|aes128 / integrity sha256 / prf sha256 / modp2048": in the order of the message. */
export function offerText(offer: Offer): string {
  const said = Object.entries(offer.names).map(([d, names]) => (SAID[d as Dimension] ?? '') + listed(names));
  return said.join(' / ') || 'nothing';
}

/** "sha1 (SHA-1)", each once, broken ones first. */
export function weakIn(offers: readonly Offer[]): { readonly name: string; readonly why: string }[] {
  const names = new Set(offers.flatMap((o) => Object.values(o.names).flat()));
  const found = [...names].flatMap((name) => {
    const weakness = weaknessOf(name);
    return weakness ? [{ name, ...weakness }] : [];
  });
  return found
    .sort((a, b) => (a.grade === b.grade ? 0 : a.grade === 'broken' ? -1 : 1))
    .map(({ name, why }) => ({ name, why }));
}

/** Whether an offer leaves so much to the responder that a refusal is hardly about algorithms (ike.md 2.2). */
export function isWide(offers: readonly Offer[]): boolean {
  const values = (kind: 'encryption' | 'group') => new Set(offers.flatMap((o) => o.names[kind] ?? []));
  return values('encryption').size >= 2 && values('group').size >= 3;
}

export function offers(offers: readonly Offer[], kind: keyof Alternatives, name: string): boolean {
  return offers.some((o) => o.names[kind]?.includes(name));
}
