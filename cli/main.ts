// The command line: one-shot commands over the control socket, and `check`, which needs no router.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { read } from '../src/dialect/index.ts';
import { ask } from './client.ts';
import { convertCommand } from './convert.ts';
import { explainCommand } from './explain.ts';
import { fail, readText } from './file.ts';
import { pkiCommand } from './pki.ts';
import { probeCommand } from './probe.ts';

const DEFAULT_SOCKET = '/run/sekisho/control.sock';

/** Of each half of the router's young heap: left alone, it grows by 100 MB under a storm of set-ups and stays so. */
const YOUNG_MB = 8;

/** Prints every mistake and warning; true when there is no mistake. */
function check(file: string): boolean {
  const { errors, warnings, explain } = read(readText(file));
  for (const m of warnings) process.stderr.write(`${explain(file, m).replace(': ', ': warning: ')}\n`);
  for (const m of errors) process.stderr.write(`${explain(file, m)}\n`);
  return errors.length === 0;
}

async function show(socket: string, what: string, json: boolean): Promise<void> {
  const answer = await ask(socket, { command: 'show', what, json }).catch((e: Error) =>
    fail(`sekisho: ${e.message}`),
  );
  if (!answer.ok) fail(answer.error);
  process.stdout.write(answer.text);
}

const program = new Command('sekisho')
  .description('A VPN edge router')
  .option('--socket <path>', 'control socket of the router (or SEKISHO_SOCKET)')
  .showHelpAfterError('(sekisho --help lists the commands)');

/** --socket stands before or after the subcommand. */
function withSocket(command: Command): Command {
  return command.option('--socket <path>', 'control socket of the router');
}

function socketOf(command: Command): string {
  return command.optsWithGlobals().socket ?? process.env.SEKISHO_SOCKET ?? DEFAULT_SOCKET;
}

program
  .command('check <file>')
  .description('check a configuration: every mistake on standard error, exit code 1 when there is one')
  .action((file: string) => {
    if (!check(file)) process.exit(1);
    process.stdout.write(`${file}: no mistakes.\n`);
  });

withSocket(program.command('run'))
  .description('run the router in the foreground, in the current network namespace')
  .option('--config <file>', 'begin with this configuration, in either dialect, instead of the saved one')
  .option('--state <folder>', 'what outlives a restart', '/var/lib/sekisho')
  .option('--journal <file>', 'write down all that the IKE engine is told, keys included, to be replayed')
  .action((options: { config?: string; state: string; journal?: string }, command: Command) => {
    if (options.config !== undefined && !check(options.config)) process.exit(1);
    const main = fileURLToPath(new URL('../src/daemon/main.ts', import.meta.url));
    const args = [
      process.execPath,
      ...process.execArgv,
      `--max-semi-space-size=${YOUNG_MB}`,
      main,
      ...(options.config === undefined ? [] : ['--config', options.config]),
      '--socket',
      socketOf(command),
      '--state',
      options.state,
      ...(options.journal ? ['--journal', options.journal] : []),
    ];
    process.execve?.(process.execPath, args, process.env as Record<string, string>);
  });

withSocket(program.command('show <what...>'))
  .description(
    'show status ike | status ipsec | status ipsec.security-policy | status interface.ipsec0 | system crypto | log | log yamaha | config',
  )
  .option('--json', 'as JSON')
  .action((what: string[], options: { json?: boolean }, command: Command) =>
    show(socketOf(command), what.join(' '), options.json === true),
  );

withSocket(program.command('reload <file>'))
  .description('make a configuration the running one; only what differs is touched')
  .action(async (file: string, _options: object, command: Command) => {
    const source = readText(file);
    const request = { command: 'reload', file, source } as const;
    const answer = await ask(socketOf(command), request).catch((e: Error) => fail(`sekisho: ${e.message}`));
    if (!answer.ok) fail(answer.error);
    process.stdout.write(answer.text);
  });

withSocket(program.command('diagnose <interface>'))
  .description('look at a tunnel from the ground up and name what keeps it from working; renews its IPsec SA')
  .option('--ping <address>', 'something behind the peer, to see traffic pass')
  .option('--json', 'as JSON')
  .action(async (name: string, options: { ping?: string; json?: boolean }, command: Command) => {
    const request = { command: 'diagnose', connection: name, ...options } as const;
    const answer = await ask(socketOf(command), request).catch((e: Error) => fail(`sekisho: ${e.message}`));
    if (!answer.ok) fail(answer.error);
    process.stdout.write(answer.text);
    if ((answer.data as { verdict: string }[]).some((c) => c.verdict === 'bad')) process.exitCode = 1;
  });

withSocket(program.command('stop'))
  .description('stop the router; returns when it is gone')
  .action(async (_options: object, command: Command) => {
    const socket = socketOf(command);
    const answer = await ask(socket, { command: 'stop' }).catch((e: Error) => fail(`sekisho: ${e.message}`));
    if (!answer.ok) fail(answer.error);
    while (existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 20));
  });

program.addCommand(convertCommand());
program.addCommand(explainCommand());
program.addCommand(pkiCommand());
program.addCommand(probeCommand());

program.parseAsync().catch((e: Error) => fail(`sekisho: ${e.message}`));
