// A guess at who is at the other end, from what it says first: Vendor IDs, notifies and the shape of its offer. It
// feeds explanations and decides nothing.
import { hex } from '../net/bytes.ts';
import { NAMED_NOTIFY_V2, NOTIFY_V2, TRANSFORM, VENDOR } from './wire/numbers.ts';
import { find as findV1, type Payload as PayloadV1 } from './wire/v1.ts';
import { find, findNotify, type Payload } from './wire/v2.ts';

/** What a first message of IKEv2 shows of its sender. */
type Traits = {
  readonly vendors: readonly string[];
  readonly notifies: ReadonlySet<number>;
  /** SIGNATURE_HASH_ALGORITHMS as text: "2,3,4,5". */
  readonly hashes: string;
  /** Transform types of the first proposal in order: "1,3,2,4". */
  readonly order: string;
  readonly nonceOctets: number;
};

type Profile = { readonly name: string; readonly fits: (t: Traits) => boolean };

const says = (t: Traits, type: number) => t.notifies.has(type);
const fragments = (t: Traits) => says(t, NOTIFY_V2.IKEV2_FRAGMENTATION_SUPPORTED);
const redirects = (t: Traits) => says(t, NOTIFY_V2.REDIRECT_SUPPORTED);
const { ENCR, INTEG, KE, PRF } = TRANSFORM;
/** charon's order of transform types, and that of the library in Android. */
const CHARON = [ENCR, INTEG, PRF, KE].join();
const AOSP = [ENCR, INTEG, KE, PRF].join();

/** The first that fits is the guess, so the particular ones come first. */
const PROFILES: readonly Profile[] = [
  { name: 'strongSwan', fits: (t) => t.vendors.includes(VENDOR.STRONGSWAN) },
  { name: 'Windows', fits: (t) => t.vendors.some((v) => v.startsWith(VENDOR.MICROSOFT)) },
  {
    name: "Samsung's Android client",
    fits: (t) => t.hashes === '2,3,4,5' && t.order === CHARON && redirects(t) && !fragments(t),
  },
  { name: "Android's own client", fits: (t) => t.hashes === '1,2,3,4' && t.order === AOSP && fragments(t) },
  {
    name: 'iOS or macOS',
    fits: (t) => t.nonceOctets === 16 && t.hashes === '' && redirects(t) && fragments(t),
  },
  {
    name: 'strongSwan 5.6 or later',
    fits: (t) => t.hashes === '2,3,4,5' && t.order === CHARON && redirects(t) && fragments(t),
  },
  {
    name: 'strongSwan 5.3, which is in the TP-Link ER605 and others',
    fits: (t) => t.hashes === '1,2,3,4' && t.order === CHARON && !redirects(t),
  },
  // What it answers with, whatever was asked.
  {
    name: 'strongSwan',
    fits: (t) => says(t, NAMED_NOTIFY_V2.MULTIPLE_AUTH_SUPPORTED) && t.order === CHARON,
  },
];

/** "Samsung's Android client", or undefined when nothing fits. */
export function guessV2(payloads: readonly Payload[]): string | undefined {
  const first = find(payloads, 'sa')?.proposals[0];
  const hashes = findNotify(payloads, NOTIFY_V2.SIGNATURE_HASH_ALGORITHMS)?.data;
  const traits: Traits = {
    vendors: payloads.flatMap((p) => (p.type === 'vendor' ? [hex(p.data)] : [])),
    notifies: new Set(payloads.flatMap((p) => (p.type === 'notify' ? [p.notify] : []))),
    hashes: Array.from({ length: (hashes?.length ?? 0) >> 1 }, (_, i) => hashes?.[2 * i + 1]).join(),
    order: [...new Set(first?.transforms.map((t) => t.type))].join(),
    nonceOctets: find(payloads, 'nonce')?.data.length ?? 0,
  };
  return PROFILES.find((p) => p.fits(traits))?.name;
}

/** The same of a first message of IKEv1, which says more by its Vendor IDs. */
export function guessV1(payloads: readonly PayloadV1[]): string | undefined {
  const vendors = payloads.flatMap((p) => (p.type === 'vendor' ? [hex(p.data)] : []));
  const has = (id: string) => vendors.some((v) => v.startsWith(id));
  if (has(VENDOR.MICROSOFT)) return 'Windows';
  if (has(VENDOR.STRONGSWAN)) return 'strongSwan';
  const racoon = has(VENDOR.RACOON) && has(VENDOR.NAT_T_DRAFT_02_N);
  // Our own messages are those of a SEIL.
  if (racoon && vendors.length === 4) return 'SEIL or Sekisho';
  if (has(VENDOR.RACOON)) return 'racoon';
  const transforms = findV1(payloads, 'sa')?.proposals[0]?.transforms.length ?? 0;
  if (has(VENDOR.FRAGMENTATION) && has(VENDOR.NAT_T_DRAFT_03) && transforms >= 12)
    return 'iOS or macOS (L2TP, or Cisco IPsec)';
  return has(VENDOR.XAUTH) && has(VENDOR.DPD) ? 'strongSwan' : undefined;
}
