// One IKE SA with its Child SA as the initiator sees it: messages out, messages in, no sockets and no clock.
import { type KeyObject, randomBytes, sign, verify, X509Certificate } from 'node:crypto';
import { OUR_HASHES } from '../../src/ike/crypto/signature.ts';
import type { EspSuite, IkeSuite } from '../../src/ike/proposal/v2.ts';
import { espAlternatives, ikeAlternatives, toWire } from '../../src/ike/proposal/v2.ts';
import {
  type IkeKeys,
  idBody,
  ikeKeys,
  natDetection,
  pskAuth,
  signedOctets,
  skeyseed,
} from '../../src/ike/v2/keys.ts';
import { open, seal } from '../../src/ike/v2/protect.ts';
import { fromPrefixes } from '../../src/ike/v2/selectors.ts';
import {
  AUTH_V2,
  CERT_X509_SIGNATURE,
  EXCHANGE,
  FLAG,
  ID,
  NOTIFY_V2,
  nameOf,
  PAYLOAD_V2,
  PROTOCOL,
} from '../../src/ike/wire/numbers.ts';
import { encode, find, findNotify, type Message, notify, type Payload } from '../../src/ike/wire/v2.ts';
import { addressBytes } from '../../src/net/address.ts';
import { concat, equalConstantTime, fromHex, utf8 } from '../../src/net/bytes.ts';
import type { Half } from './half.ts';
import { groupId, type Kind } from './kinds.ts';
import { LAN, PSK, RESPONDER } from './topology.ts';

const NONE = new Uint8Array(0);
const ZERO_SPI = new Uint8Array(8);
const PORT = 4500;

const secret = utf8(PSK);
const lan = fromPrefixes([LAN], 0);
const esp: EspSuite = { cipher: 'aes128-gcm16', esn: false };
const random = (octets: number) => new Uint8Array(randomBytes(octets));

/** One of the routers that the initiator plays. */
export type Peer = { readonly address: string; readonly network: string };

/** Where the set-up is by certificates: one, DER, for all peers, and its key. */
export type Proof = { readonly certificate: Uint8Array; readonly key: KeyObject };

/** PKCS #1 v1.5 with SHA-256: the length of the AlgorithmIdentifier, and itself (RFC 7427 3, A.1). */
const RSA_SHA256 = fromHex('0f300d06092a864886f70d01010b0500');

export class Setup {
  readonly peer: Peer;
  readonly #kind: Kind;
  readonly #half: Half;
  readonly #suite: IkeSuite;
  readonly #own: Proof | undefined;
  readonly spiI = random(8);
  #spiR: Uint8Array = ZERO_SPI;
  readonly #nonceI = random(32);
  #nonceR: Uint8Array = NONE;
  #request: Uint8Array = NONE;
  #response: Uint8Array = NONE;
  #keys: IkeKeys | undefined;

  constructor(peer: Peer, kind: Kind, half: Half, own?: Proof) {
    this.peer = peer;
    this.#kind = kind;
    this.#half = half;
    this.#own = own;
    this.#suite = { cipher: 'aes256', integrity: 'sha256', prf: 'sha256', group: kind.group };
  }

  /** IKE_SA_INIT. It tells of a NAT in front of us, so that ESP goes in UDP: kernel-libipsec knows nothing else. */
  init(): Uint8Array {
    const { cipher, prf, group } = this.#suite;
    const ike = ikeAlternatives({ ciphers: [cipher], hashes: [prf], groups: [group], lifetime: 0 });
    const responder = { address: RESPONDER, port: PORT };
    this.#request = encode(this.#header(EXCHANGE.IKE_SA_INIT, 0), [
      { type: 'sa', proposals: toWire(PROTOCOL.ISAKMP, NONE, ike) },
      { type: 'ke', group: groupId(this.#kind), data: this.#half.publicValue },
      { type: 'nonce', data: this.#nonceI },
      notify(NOTIFY_V2.NAT_DETECTION_SOURCE_IP, new Uint8Array(20)),
      notify(NOTIFY_V2.NAT_DETECTION_DESTINATION_IP, natDetection(this.spiI, ZERO_SPI, responder)),
      // Certificates come whole, in fragments of IP if need be: putting them together is not what is measured.
      this.#own
        ? notify(NOTIFY_V2.SIGNATURE_HASH_ALGORITHMS, new Uint8Array(OUR_HASHES.flatMap((h) => [0, h])))
        : notify(NOTIFY_V2.IKEV2_FRAGMENTATION_SUPPORTED),
    ]);
    return this.#request;
  }

  /** The answer to IKE_SA_INIT in, IKE_AUTH out. */
  onInit(message: Message, octets: Uint8Array): Uint8Array {
    const { header, payloads } = message;
    const [ke, nonce] = [find(payloads, 'ke'), find(payloads, 'nonce')];
    if (findNotify(payloads, NOTIFY_V2.COOKIE)) throw new Error('the responder thinks it is under attack');
    if (!ke || !nonce) throw new Error(`IKE_SA_INIT was refused: ${refusal(payloads)}`);
    this.#spiR = header.spiR;
    this.#nonceR = nonce.data;
    this.#response = octets;
    const [ni, nr] = [this.#nonceI, this.#nonceR];
    const seed = skeyseed(this.#suite, ni, nr, this.#half.shared(ke.data));
    this.#keys = ikeKeys(this.#suite, seed, ni, nr, this.spiI, this.#spiR);
    return this.#seal(EXCHANGE.IKE_AUTH, 1, [
      { type: 'idi', ...this.#id() },
      ...this.#proof(),
      {
        type: 'sa',
        proposals: toWire(
          PROTOCOL.ESP,
          random(4),
          espAlternatives({ ...esp, ciphers: [esp.cipher], hashes: [] }, []),
        ),
      },
      { type: 'tsi', selectors: fromPrefixes([this.peer.network], 0) },
      { type: 'tsr', selectors: lan },
    ]);
  }

  /** The answer to IKE_AUTH: a refusal shows in the clear, by what comes first inside; `thorough` looks at everything. */
  onAuth(message: Message, octets: Uint8Array, thorough: boolean): void {
    const sk = find(message.payloads, 'sk');
    if (!thorough && sk?.first === PAYLOAD_V2.IDR) return;
    const opened = open({ suite: this.#suite, keys: this.#keys! }, false, octets, message);
    if (!opened.ok) throw new Error(`IKE_AUTH: ${opened.rule}`);
    const [idr, auth] = [find(opened.payloads, 'idr'), find(opened.payloads, 'auth')];
    const complete = (['sa', 'tsi', 'tsr'] as const).every((type) => find(opened.payloads, type));
    if (!idr || !auth || !complete) throw new Error(`IKE_AUTH was refused: ${refusal(opened.payloads)}`);
    const inputs = [this.#suite, this.#response, this.#nonceI, this.#keys!.pr, idBody(idr)] as const;
    const cert = find(opened.payloads, 'cert');
    const proved = cert
      ? verify(
          'sha256',
          signedOctets(...inputs),
          new X509Certificate(cert.data).publicKey,
          auth.data.subarray(RSA_SHA256.length),
        )
      : equalConstantTime(pskAuth(secret, ...inputs), auth.data);
    if (!proved) throw new Error('the responder does not know the key');
  }

  delete(): Uint8Array {
    const payload: Payload = { type: 'delete', protocol: PROTOCOL.ISAKMP, spis: [] };
    return this.#seal(EXCHANGE.INFORMATIONAL, 2, [payload]);
  }

  /** "I live" (RFC 7296 2.4), in answer to a request of the responder's. */
  alive(messageId: number): Uint8Array {
    return this.#seal(EXCHANGE.INFORMATIONAL, messageId, [], FLAG.RESPONSE);
  }

  #id() {
    return { idType: ID.IPV4_ADDR, data: addressBytes(this.peer.address) };
  }

  /** What proves who we are. */
  #proof(): Payload[] {
    const inputs = [this.#suite, this.#request, this.#nonceR, this.#keys!.pi, idBody(this.#id())] as const;
    if (!this.#own) return [{ type: 'auth', method: AUTH_V2.SHARED_KEY, data: pskAuth(secret, ...inputs) }];
    const { certificate, key } = this.#own;
    const signature = sign('sha256', signedOctets(...inputs), key);
    return [
      { type: 'cert', encoding: CERT_X509_SIGNATURE, data: certificate },
      { type: 'auth', method: AUTH_V2.DIGITAL_SIGNATURE, data: concat(RSA_SHA256, signature) },
    ];
  }

  #header(exchange: number, messageId: number, flags = 0) {
    const [spiI, spiR] = [this.spiI, this.#spiR];
    return { spiI, spiR, major: 2, minor: 0, exchange, flags: FLAG.INITIATOR | flags, messageId };
  }

  #seal(exchange: number, messageId: number, payloads: readonly Payload[], flags = 0): Uint8Array {
    const header = this.#header(exchange, messageId, flags);
    return seal({ suite: this.#suite, keys: this.#keys! }, true, header, payloads, random)[0];
  }
}

function refusal(payloads: readonly Payload[]): string {
  const said = payloads.flatMap((p) => (p.type === 'notify' ? [nameOf(NOTIFY_V2, p.notify)] : []));
  return said.length > 0 ? said.join(', ') : 'payloads are missing';
}
