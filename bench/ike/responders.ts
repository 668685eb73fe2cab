// The responders: our router and strongSwan's charon, with the same peers, suites, and a processor each.

import type { Authority } from '../../test/interop/certificates.ts';
import { netnsPids } from '../../test/interop/netns.ts';
import { exec } from '../../test/interop/proc.ts';
import { Sekisho } from '../../test/interop/sekisho.ts';
import { Strongswan } from '../../test/interop/strongswan.ts';
import { CHARON_ESP, CHARON_IKE, type Kind } from './kinds.ts';
import {
  GATEWAY,
  LAN,
  LAN_ADDRESS,
  type Net,
  PEERS,
  PSK,
  peerAddress,
  peerNetwork,
  RESPONDER,
} from './topology.ts';

export type ResponderName = 'sekisho' | 'charon';

/** Certificates of our own authority, RSA with 2,048 bits. */
export const CERTIFICATES = { responder: 'responder.example', peers: 'peers.example' } as const;

/** Peers that become known in one step: no command of the operator's is to take longer than half a minute. */
const STEP = 100;

/** Returns the process id when `peers` peers are configured. */
export const START: Readonly<
  Record<ResponderName, (net: Net, kind: Kind, peers: number, ca?: Authority) => Promise<number>>
> = { sekisho, charon };

async function sekisho(net: Net, kind: Kind, peers: number, ca?: Authority): Promise<number> {
  let part = Math.min(STEP, peers);
  const router = await Sekisho.start(net.lab, net.responder, 'r', configuration(kind, part, ca));
  while (part < peers) {
    part = Math.min(part + STEP, peers);
    const { code, stderr } = await router.reload(configuration(kind, part, ca));
    if (code !== 0) throw new Error(stderr);
  }
  return only(netnsPids(net.responder.name));
}

function configuration(kind: Kind, peers: number, ca: Authority | undefined): string {
  const lines = [
    `interface.ge0.ipv4.address : ${RESPONDER}/24`,
    `route.ipv4.1.destination : ${PEERS}`,
    `route.ipv4.1.gateway : ${GATEWAY}`,
  ];
  for (let i = 0; i < peers; i++) {
    const tunnel = `interface.ipsec${i}`;
    lines.push(
      `${tunnel}.ipv4.source : ${RESPONDER}`,
      `${tunnel}.ipv4.destination : ${peerAddress(i)}`,
      ...(ca
        ? ca.lines(CERTIFICATES.responder).trimEnd().replaceAll('interface.ipsec0', tunnel).split('\n')
        : [`${tunnel}.preshared-key : "${PSK}"`]),
      `${tunnel}.ike.version : 2`,
      `${tunnel}.ike.responder-only : enable`,
      `${tunnel}.ike.proposal.phase1.encryption.0.algorithm : aes256`,
      `${tunnel}.ike.proposal.phase1.hash.0.algorithm : sha256`,
      `${tunnel}.ike.proposal.phase1.dh-group : ${kind.group}`,
      `${tunnel}.ike.proposal.phase2.encryption.0.algorithm : aes128-gcm16`,
      `${tunnel}.ike.proposal.phase2.proxy-id.ipv4.local : ${LAN}`,
      `${tunnel}.ike.proposal.phase2.proxy-id.ipv4.remote : ${peerNetwork(i)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/**
 * As its makers advise for many SAs (hash tables of some size), without routes to install and without cookies, which ours
 * does not ask for either below 32 half-open SAs; with its usual 16 threads and log, not flushed with every line.
 */
async function charon(net: Net, kind: Kind, peers: number, ca?: Authority): Promise<number> {
  await net.responder.address('ge0', `${RESPONDER}/24`);
  await net.responder.route(PEERS, GATEWAY);
  // kernel-libipsec looks for an address of its own in the local network.
  await net.responder.address('lo', LAN_ADDRESS);
  const swan = await Strongswan.start(net.lab, net.responder, {
    name: 'r',
    charonOptions: {
      install_routes: 'no',
      process_route: 'no',
      dos_protection: 'no',
      ikesa_table_size: '1024',
      ikesa_table_segments: '16',
      'filelog.lab.flush_line': 'no',
    },
  });
  ca?.equip(swan, CERTIFICATES.responder);
  await swan.load(
    Array.from({ length: peers }, (_, i) => ({
      name: `p${i}`,
      version: 2,
      local: RESPONDER,
      remote: peerAddress(i),
      psk: PSK,
      ...(ca ? { pubkey: { certs: `${CERTIFICATES.responder}.pem`, cacerts: 'ca.pem' } } : {}),
      proposals: CHARON_IKE[kind.group],
      // As ours does, which asks after 20 s of silence.
      dpdDelay: 20,
      extra: ['unique = never', 'send_cert = always'],
      children: [{ name: `c${i}`, localTs: LAN, remoteTs: peerNetwork(i), espProposals: CHARON_ESP }],
    })),
  );
  return only(netnsPids(net.responder.name));
}

/** Keeps a process and all its threads on one processor. */
export async function pin(net: Net, pid: number, processor: number): Promise<void> {
  await exec(net.lab.scope, ['taskset', '-a', '-c', '-p', String(processor), String(pid)]);
}

function only(pids: readonly number[]): number {
  if (pids.length !== 1)
    throw new Error(`${pids.length} processes in the responder's namespace instead of one`);
  return pids[0];
}
