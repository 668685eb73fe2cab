// How long public-key work holds the event loop at most: while it does, no packet of IKE is answered.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { GROUPS, type GroupName } from '../../src/ike/crypto/algorithm.ts';
import { runKeyExchange } from '../../src/ike/crypto/key-exchange.ts';
import {
  publicKeyOf,
  runSign,
  type SignJob,
  signingOf,
  verifies,
  verifiesRaw,
} from '../../src/ike/crypto/signature.ts';
import { Secret } from '../../src/net/secret.ts';

/** The longest turn of the loop while `work` ran, ms: of several runs the best, since other work only adds to it. */
export type Hold = { readonly work: string; readonly ms: number };

const RUNS = 7;
const DATA = new Uint8Array(32).fill(7);

export async function measureHolds(): Promise<Hold[]> {
  const holds: Hold[] = [];
  for (const group of Object.keys(GROUPS) as GroupName[])
    holds.push({ work: `key exchange, ${group}`, ms: await longestTurn(() => exchange(group)) });
  for (const bits of [2048, 3072, 4096]) {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
    holds.push({ work: `RSA ${bits}, IKEv2`, ms: await longestTurn(() => signature(privateKey, publicKey)) });
    holds.push({
      work: `RSA ${bits}, IKEv1`,
      ms: await longestTurn(() => rawSignature(privateKey, publicKey)),
    });
  }
  return holds;
}

async function exchange(group: GroupName): Promise<void> {
  const one = await runKeyExchange({ group });
  if (!one.ok) throw new Error(one.error);
  const two = await runKeyExchange({ group, peerPublic: one.keyPair.publicValue });
  if (!two.ok) throw new Error(two.error);
  await runKeyExchange({ group, keyPair: one.keyPair, peerPublic: two.keyPair.publicValue });
}

async function sign(key: KeyObject, signing: SignJob['signing']): Promise<Uint8Array> {
  const pkcs8 = new Secret(new Uint8Array(key.export({ type: 'pkcs8', format: 'der' })));
  const result = await runSign({ kind: 'sign', key: { kind: 'rsa', pkcs8 }, signing, data: DATA });
  if (!result.ok) throw new Error(result.error);
  return result.data;
}

async function signature(key: KeyObject, publicKey: KeyObject): Promise<void> {
  const signing = signingOf('rsa', [2])!;
  const spki = publicKeyOf(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })))!;
  if (!(await verifies(spki, signing.method, await sign(key, signing), DATA)))
    throw new Error('does not verify');
}

async function rawSignature(key: KeyObject, publicKey: KeyObject): Promise<void> {
  if (!verifiesRaw(publicKey, await sign(key, 'raw-rsa'), DATA)) throw new Error('does not verify');
}

async function longestTurn(work: () => Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    let longest = 0;
    let last = performance.now();
    let on = true;
    const turn = () => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      if (on) setImmediate(turn);
    };
    setImmediate(turn);
    await work();
    turn();
    on = false;
    best = Math.min(best, longest);
  }
  return best;
}
