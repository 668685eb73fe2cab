// `sekisho diagnose ipsec0`: looks at a tunnel from the ground up and names what keeps it from working. It begins a
// negotiation of its own when the tunnel is down, and renews the IPsec SA of one that is up: a PFS group that differs
// shows now, not an hour later.
import { echoes, hasAddress, wayTo } from '../host/path.ts';
import { current } from '../ike/child.ts';
import type { Connection } from '../ike/core.ts';
import { type ChildPolicy, keyOf } from '../ike/policy.ts';
import type { Reason } from '../ike/reason.ts';
import type { Tunnel } from '../plan/desired.ts';
import type { Check } from '../show/diagnosis.ts';
import type { Router } from './router.ts';

/** A peer that does not answer within this time is called silent. */
const PATIENCE_MS = 12_000;
const STEP_MS = 100;

/** Which check a reason belongs to. */
const CHECK_OF: Partial<Record<Reason['code'], string>> = {
  NO_CONNECTION_FOR_PEER: 'proposal',
  NO_PROPOSAL: 'proposal',
  KE_GROUP_NOT_ALLOWED: 'proposal',
  AUTHENTICATION: 'authentication',
  CERTIFICATE: 'authentication',
  ID_MISMATCH: 'identity',
  SELECTORS: 'selectors',
  LIFETIME: 'proposal',
  PASSIVE: 'role',
};

/** A bare refusal of the peer is about what we told it: the key tells what that was. */
function checkOf({ code, key = '' }: Reason): string {
  if (code === 'TIMEOUT' || code === 'PEER_DEAD') return 'path';
  if (key.endsWith('proxy-id')) return 'selectors';
  return CHECK_OF[code] ?? (key.includes('.proposal.') ? 'proposal' : 'negotiation');
}

/** `ping`: an address at the other end of the tunnel, for what only traffic can show. */
export async function diagnose(router: Router, name: string, ping?: string): Promise<Check[]> {
  const tunnel = router.desired?.tunnels.find((t) => t.name === name);
  const connection = tunnel && router.engine.connections.get(tunnel.policy.name);
  if (!tunnel || !connection) return [];
  const checks: Check[] = [];
  const bad = () => checks.some((c) => c.verdict === 'bad');
  checks.push(...(await ground(tunnel)));
  if (!bad()) checks.push(...(await negotiation(router, connection, tunnel.child)));
  if (!bad() && current(connection, tunnel.child)) {
    checks.push(nat(connection), await renewal(router, connection, tunnel.child));
    checks.push(...(await traffic(router, tunnel, ping)));
  }
  return checks;
}

/** Address and route, before anything is sent. */
async function ground({ policy, child }: Tunnel): Promise<Check[]> {
  const own = await hasAddress(policy.local);
  const interfaced = child.at.startsWith('interface.');
  const key = interfaced ? `${child.at}.ipv4.source` : 'ipsec.security-association.saN.local-address';
  const address: Check = own
    ? { name: 'address', verdict: 'good', text: `${policy.local} is ours` }
    : {
        ...{
          name: 'address',
          verdict: 'bad',
          key,
          text: `no interface has our outer address ${policy.local}`,
        },
        hint: `give it to an interface, or set ${key} to one that exists`,
      };
  if (!own) return [address];
  if (policy.remote === undefined) {
    const text = 'the peer may come from anywhere, so it is the peer that must begin';
    return [address, { name: 'route', verdict: 'unsure', text }];
  }
  try {
    const { device, gateway } = await wayTo(policy.remote, policy.local);
    const through = gateway ? `${device} through ${gateway}` : device;
    return [address, { name: 'route', verdict: 'good', text: `${policy.remote} by ${through}` }];
  } catch (e) {
    const hint = `add a route to ${policy.remote}, or a default route`;
    return [address, { name: 'route', verdict: 'bad', text: (e as Error).message, hint }];
  }
}

/** Is it up, or does it come up now? */
async function negotiation(router: Router, connection: Connection, child: ChildPolicy): Promise<Check[]> {
  if (current(connection, child)) return [{ name: 'negotiation', verdict: 'good', text: 'the tunnel is up' }];
  const { policy } = connection;
  const before = connection.lastReason;
  if (policy.remote !== undefined) {
    delete connection.lastReason;
    router.input({ kind: 'try', connection: policy.name });
  }
  const failed = () => connection.lastReason !== undefined;
  await until(() => current(connection, child) !== undefined || failed(), PATIENCE_MS);
  if (current(connection, child))
    return [{ name: 'negotiation', verdict: 'good', text: 'the tunnel came up now' }];
  const reason = connection.lastReason ?? (policy.remote === undefined ? before : silence(connection));
  if (!reason) {
    const text = 'the peer has not tried since we started';
    const hint = 'bring the tunnel up at the peer, then ask again: its attempt is explained here';
    return [{ name: 'negotiation', verdict: 'unsure', text, hint }];
  }
  const { text, key, hint } = reason;
  return [
    { name: checkOf(reason), verdict: 'bad', text, ...(key ? { key } : {}), ...(hint ? { hint } : {}) },
  ];
}

/** Nobody said anything in the time that we gave: how far had it come? */
function silence({ sas, policy }: Connection): Reason {
  const sa = [...sas].find((s) => s.role === 'initiator' && s.state !== 'gone');
  const answered = sa && (sa.state === 'auth' || sa.state === 'keyed');
  if (!answered) {
    return {
      code: 'TIMEOUT',
      text: `${policy.remote} does not answer on UDP 500`,
      hint: 'UDP 500 is blocked on the way, no IKE daemon runs there, or it has no connection for our address and is silent about it',
    };
  }
  const port = sa.remote.port;
  return {
    code: 'TIMEOUT',
    text: `${policy.remote} answered on UDP 500 and is silent on UDP ${port} since it got our proof`,
    hint:
      port === 4500
        ? 'UDP 4500 is blocked on the way; or the preshared key differs, and the peer does not say so'
        : 'most likely the preshared key differs, and the peer does not say so',
  };
}

function nat(connection: Connection): Check {
  const sa = [...connection.sas].find((s) => s.state === 'established');
  if (!sa) return { name: 'NAT', verdict: 'unsure', text: 'the IKE SA is being renewed' };
  const { local, remote } = sa.nat;
  const where = [local && 'in front of us', remote && 'in front of the peer'].filter(Boolean).join(' and ');
  return { name: 'NAT', verdict: 'good', text: where ? `found ${where}: ESP in UDP` : 'none' };
}

/** The first IPsec SA of IKEv2 never uses its PFS group: only a renewal shows whether both agree on it. */
async function renewal(router: Router, connection: Connection, child: ChildPolicy): Promise<Check> {
  const old = current(connection, child)!;
  delete connection.lastReason;
  router.input({ kind: 'rekey', connection: child.name, what: 'child' });
  const done = () => current(connection, child) !== undefined && current(connection, child) !== old;
  await until(() => done() || connection.lastReason !== undefined, PATIENCE_MS);
  const reason = connection.lastReason as Reason | undefined;
  if (done()) {
    const group = current(connection, child)!.suite.group;
    return {
      name: 'renewal',
      verdict: 'good',
      text: group ? `works, PFS by ${group}` : 'works, without PFS',
    };
  }
  const key = keyOf(child.at, 'ike.proposal.phase2.pfs-group');
  return {
    ...{ name: 'renewal', verdict: 'bad', key: reason?.key ?? key },
    text: reason?.text ?? 'the peer does not answer to a renewal of the IPsec SA',
    hint: reason?.hint ?? `compare ${key} with the peer's`,
  };
}

/** ESP in both directions, and packets as long as the tunnel promises. */
async function traffic(router: Router, { name, dataplane, child }: Tunnel, ping?: string): Promise<Check[]> {
  const count = () => router.dataplane.statistics().tunnels.find((t) => t.name === name);
  const before = ping === undefined ? undefined : count();
  const received = ping === undefined ? undefined : await echoes(name, ping);
  const now = count();
  const rx = (now?.rxPackets ?? 0) - (before?.rxPackets ?? 0);
  const tx = (now?.txPackets ?? 0) - (before?.txPackets ?? 0);
  const text = `${tx} packets out, ${rx} packets in`;
  if (received) {
    const whole = await echoes(name, ping!, dataplane.mtu);
    const lower = child.at.startsWith('interface.') ? `${child.at}.mtu` : undefined;
    const mtu: Check =
      whole > 0
        ? { name: 'MTU', verdict: 'good', text: `packets of ${dataplane.mtu} octets arrive` }
        : {
            ...{ name: 'MTU', verdict: 'bad', ...(lower ? { key: lower } : {}) },
            text: `packets of ${dataplane.mtu} octets get lost, small ones arrive: the path carries less`,
            hint: `${lower ? `set ${lower} lower, and ` : ''}see who blocks ICMP on the way`,
          };
    return [{ name: 'ESP', verdict: 'good', text: `${ping} answers; ${text}` }, mtu];
  }
  if (tx > 2 && rx === 0) {
    const hint =
      'ESP (IP protocol 50, or UDP 4500) is blocked on the way back, or the peer has no route to us';
    return [{ name: 'ESP', verdict: 'bad', text: `one-way: ${text}`, hint }];
  }
  if (ping !== undefined) {
    const hint = rx > 0 ? `${ping} itself may not answer` : 'nothing has come in at all';
    return [
      { name: 'ESP', verdict: rx > 0 ? 'unsure' : 'bad', text: `${ping} does not answer; ${text}`, hint },
    ];
  }
  const hint = rx > 0 && tx > 0 ? {} : { hint: 'ask with --ping ADDRESS of something behind the peer' };
  return [{ name: 'ESP', verdict: rx > 0 && tx > 0 ? 'good' : 'unsure', text, ...hint }];
}

async function until(done: () => boolean, ms: number): Promise<void> {
  for (let waited = 0; !done() && waited < ms; waited += STEP_MS)
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
}
