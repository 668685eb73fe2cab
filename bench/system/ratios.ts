// What is to be reached (issue 3): ratios within one run, since absolute numbers belong to a machine.
import type { MeasureKey } from './measure.ts';
import type { SystemResult } from './results.ts';

type Goal = {
  title: string;
  /** Of which system, against which other. */
  measure: MeasureKey;
  ours: string;
  theirs: string;
  must: number;
  aim: number;
  /** For times, where small is good. */
  less?: true;
};

export type Verdict = 'aim reached' | 'must reached' | 'missed' | 'not measured';
export type Ratio = {
  title: string;
  must: number;
  aim: number;
  less: boolean;
  reached?: number;
  verdict: Verdict;
};

const GCM = 'sekisho aes128-gcm16 udp';
const LIBIPSEC = 'libipsec aes128gcm16';
const WIREGUARD = 'wireguard-go Debian 13';

const GOALS: readonly Goal[] = [
  {
    title: 'TCP 1 stream, AES-128-GCM in UDP: against libipsec',
    measure: 'tcp1',
    ours: GCM,
    theirs: LIBIPSEC,
    must: 15,
    aim: 25,
  },
  {
    title: '  against wireguard-go of Debian 13',
    measure: 'tcp1',
    ours: GCM,
    theirs: WIREGUARD,
    must: 3.5,
    aim: 5,
  },
  { title: '  against no tunnel', measure: 'tcp1', ours: GCM, theirs: 'no tunnel', must: 0.7, aim: 0.95 },
  {
    title: 'TCP 4 streams: against no tunnel',
    measure: 'tcp4',
    ours: GCM,
    theirs: 'no tunnel',
    must: 0.25,
    aim: 0.45,
  },
  {
    title: 'wire-like, 1 stream: against wireguard-go of Debian 13',
    measure: 'wire1',
    ours: GCM,
    theirs: WIREGUARD,
    must: 2.5,
    aim: 4,
  },
  {
    title: 'AES-256-CBC + HMAC-SHA256: against libipsec with it',
    measure: 'tcp1',
    ours: 'sekisho aes256+hmac-sha256 udp',
    theirs: 'libipsec aes256-sha256',
    must: 8,
    aim: 15,
  },
  {
    title: '64-byte UDP, one flow: against libipsec',
    measure: 'udp1',
    ours: GCM,
    theirs: LIBIPSEC,
    must: 4,
    aim: 8,
  },
  {
    title: '64-byte UDP, 256 flows: against libipsec',
    measure: 'udp256',
    ours: GCM,
    theirs: LIBIPSEC,
    must: 4,
    aim: 6,
  },
  {
    title: "native ESP: against libipsec's in UDP",
    measure: 'tcp1',
    ours: 'sekisho aes128-gcm16 native',
    theirs: LIBIPSEC,
    must: 5,
    aim: 8,
  },
  {
    title: '1,000 tunnels, bursts as of TCP: against one tunnel',
    measure: 'bursts1400',
    ours: 'sekisho 1000 tunnels',
    theirs: 'sekisho 1 tunnel',
    must: 0.85,
    aim: 1,
  },
  {
    title: '  another tunnel with every packet, 64 B',
    measure: 'spread64',
    ours: 'sekisho 1000 tunnels',
    theirs: 'sekisho 1 tunnel',
    must: 0.85,
    aim: 1,
  },
  {
    title: '  another tunnel with every packet, 1,400 B',
    measure: 'spread1400',
    ours: 'sekisho 1000 tunnels',
    theirs: 'sekisho 1 tunnel',
    must: 0.85,
    aim: 1,
  },
  {
    title: 'encapsulate 1,400 B without I/O: time against the cipher',
    measure: 'packet',
    ours: 'encapsulate without I/O',
    theirs: 'cipher alone',
    must: 1.5,
    aim: 1.2,
    less: true,
  },
  {
    title: 'ping round trip, idle: against libipsec',
    measure: 'pingIdle',
    ours: GCM,
    theirs: LIBIPSEC,
    must: 0.4,
    aim: 0.25,
    less: true,
  },
];

export function ratios(systems: readonly SystemResult[]): Ratio[] {
  return GOALS.map((goal) => {
    const { title, must, aim, less = false } = goal;
    const reached = quotient(systems, goal);
    return {
      title,
      must,
      aim,
      less,
      ...(reached !== undefined && { reached }),
      verdict: verdict(goal, reached),
    };
  });
}

function quotient(systems: readonly SystemResult[], { measure, ours, theirs }: Goal): number | undefined {
  const median = (name: string) => systems.find((s) => s.name === name)?.measures[measure]?.median;
  const [a, b] = [median(ours), median(theirs)];
  return a === undefined || b === undefined ? undefined : a / b;
}

function verdict({ must, aim, less }: Goal, reached?: number): Verdict {
  if (reached === undefined) return 'not measured';
  const reaches = (goal: number) => (less ? reached <= goal : reached >= goal);
  if (reaches(aim)) return 'aim reached';
  return reaches(must) ? 'must reached' : 'missed';
}
