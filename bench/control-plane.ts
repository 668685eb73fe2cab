// `npm run bench -- control-plane`: micro-benchmarks of the control plane, operations a second. Only ratios within one run mean anything.
import { createHmac, diffieHellman, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import Benchmark from 'benchmark';
import { parseSeil } from '../src/dialect/seil/parse.ts';
import { prf, prfPlus } from '../src/ike/crypto/prf.ts';
import { decode, encode } from '../src/ike/wire/v2.ts';
import { fromHex } from '../src/net/bytes.ts';

const file = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const galaxy = fromHex(file('../test/fixtures/galaxy_note20_android13_ike_sa_init_req.hex'));
const decoded = decode(galaxy);
if (!decoded.ok) throw new Error('the fixture does not decode');
const { header, payloads } = decoded.value;
const config = file('../test/demo/router-a.seil');
const key = new Uint8Array(32).fill(7);
const data = new Uint8Array(300).fill(9);
const pairs = [generateKeyPairSync('x25519'), generateKeyPairSync('x25519')];
const secret = x25519.utils.randomSecretKey();
const peer = x25519.getPublicKey(x25519.utils.randomSecretKey());

new Benchmark.Suite()
  .add('decode IKE_SA_INIT of 652 octets', () => decode(galaxy))
  .add('encode it again', () => encode(header, payloads))
  .add('prf HMAC-SHA-256 over 300 octets', () => prf('sha256', key, data))
  .add('the same in @noble/hashes', () => hmac(sha256, key, data))
  .add("the same by node:crypto's createHmac", () => createHmac('sha256', key).update(data).digest())
  .add('prf+ of 300 octets', () => prfPlus('sha256', key, data, 300))
  .add('x25519 shared secret (node:crypto)', () =>
    diffieHellman({ privateKey: pairs[0].privateKey, publicKey: pairs[1].publicKey }),
  )
  .add('the same in @noble/curves', () => x25519.getSharedSecret(secret, peer))
  .add('parse and validate a SEIL configuration', () => parseSeil(config))
  .on('cycle', (event: Benchmark.Event) => process.stdout.write(`${event.target}\n`))
  .run();
