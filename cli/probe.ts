// `sekisho probe ike`: what a peer accepts, asked without a router.
import { Command } from 'commander';
import { probe } from '../src/probe/probe.ts';
import { CannotProbe, DEFAULT_PORT, ProbeSocket } from '../src/probe/socket.ts';
import { probeText } from '../src/probe/text.ts';

type Options = {
  version?: string;
  port: string;
  sourcePort: string;
  timeout: string;
  json?: boolean;
};

function fail(message: string): never {
  process.stderr.write(`sekisho: ${message}.\n`);
  process.exit(1);
}

function whole(option: string, text: string, least: number, most: number): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) < least || Number(text) > most)
    fail(`${option} ${text}: it must be a whole number from ${least} to ${most}`);
  return Number(text);
}

async function run(host: string, options: Options): Promise<void> {
  const versions = options.version === undefined ? [2, 1] : [whole('--version', options.version, 1, 2)];
  const socket = await ProbeSocket.open({
    host,
    port: whole('--port', options.port, 1, 65535),
    sourcePort: whole('--source-port', options.sourcePort, 0, 65535),
    seconds: whole('--timeout', options.timeout, 1, 60),
  }).catch((e) => {
    if (e instanceof CannotProbe) return fail(e.message);
    throw e;
  });
  try {
    const wishes = { host, versions: versions as (1 | 2)[] };
    const report = await probe(
      wishes,
      async () => socket.exchange(),
      () => socket.sent,
    );
    process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : probeText(report));
    if (!report.reachable) process.exitCode = 1;
  } finally {
    socket.close();
  }
}

export function probeCommand(): Command {
  const command = new Command('probe').description('ask a peer what it accepts');
  command
    .command('ike <host>')
    .description('IKE versions, algorithms, features and identity of a daemon, by first messages alone')
    .option('--version <version>', '1 or 2 (default: both)')
    .option('--port <port>', 'its UDP port', String(DEFAULT_PORT))
    .option('--source-port <port>', 'ours; 500 wants root (default: any)', '0')
    .option('--timeout <seconds>', 'until a question counts as unanswered', '5')
    .option('--json', 'as JSON')
    .action(run);
  return command;
}
