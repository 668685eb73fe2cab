// The command line: one-shot commands over the control socket, and `check`, which needs no router.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Command } from 'commander';
import type { Report } from '../src/daemon/protocol.ts';
import { read } from '../src/dialect/index.ts';
import { quote } from '../src/dialect/yamaha/line.ts';
import { ask } from './client.ts';
import { convertCommand } from './convert.ts';
import { explainCommand } from './explain.ts';
import { fail, readText } from './file.ts';
import { pkiCommand } from './pki.ts';
import { probeCommand } from './probe.ts';
import { openReport, writeReport } from './report.ts';
import { commandsOf } from './shell/commands/index.ts';
import { overview } from './shell/help.ts';
import { script } from './shell/script.ts';
import { Session, type Terminal } from './shell/session.ts';
import { shell } from './shell/terminal.ts';

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

const program = new Command('sekisho')
  .description('A VPN edge router')
  .option('--socket <path>', 'control socket of the router (or SEKISHO_SOCKET)')
  .showHelpAfterError('(sekisho --help lists the commands)');

/** Of LANG: ja_JP.UTF-8 is Japanese. */
function languageOf(lang = ''): 'en' | 'ja' {
  return lang.startsWith('ja') ? 'ja' : 'en';
}

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

type RunOptions = {
  readonly config?: string;
  readonly state: string;
  readonly journal?: string;
  readonly first?: string;
  readonly system?: string;
  readonly keepClock?: true;
};

withSocket(program.command('run'))
  .description('run the router in the foreground, in the current network namespace')
  .option('--config <file>', 'begin with this configuration, in either dialect, instead of the saved one')
  .option('--state <folder>', 'what outlives a restart', '/var/lib/sekisho')
  .option('--journal <file>', 'write down all that the IKE engine is told, keys included, to be replayed')
  .option(
    '--first <folder>',
    'begin with sekisho.conf and sekisho.pub of this folder where nothing was ever saved; they are erased once they are taken',
  )
  .option(
    '--system <folder>',
    'where the system around is asked for accounts, SSH, time zone and a new start',
  )
  .option('--keep-clock', 'never set the clock of this machine')
  .action((options: RunOptions, command: Command) => {
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
      ...(options.first ? ['--first', options.first] : []),
      ...(options.system ? ['--system', options.system] : []),
      ...(options.keepClock ? ['--keep-clock'] : []),
    ];
    process.execve?.(process.execPath, args, process.env as Record<string, string>);
  });

withSocket(program.command('shell', { isDefault: false }))
  .description('commands with completion, help at every word, and a prompt that tells what waits')
  .option('--dialect <dialect>', 'seil or yamaha', 'seil')
  .option('--language <language>', 'en or ja', languageOf(process.env.LANG))
  .option('--report <file>', 'look at a report instead of a router')
  .action(async ({ report, ...options }: Partial<Terminal> & { report?: string }, command: Command) => {
    const asking = report === undefined ? ask : openReport(report);
    process.exit(await shell(new Session(socketOf(command), options, asking)));
  });

withSocket(program.command('script <file>'))
  .description('run the commands of a file, as the shell would; the first that fails ends it')
  .option('--dialect <dialect>', 'seil or yamaha', 'seil')
  .action(async (file: string, options: Partial<Terminal>, command: Command) => {
    process.exitCode = await script(new Session(socketOf(command), options), file);
  });

withSocket(program.command('reload <file>'))
  .description('make a configuration the running one; only what differs is touched')
  .action(async (file: string, _options: object, command: Command) => {
    const source = readText(file);
    const request = { command: 'reload', file, source } as const;
    const answer = await ask(socketOf(command), request).catch((e: Error) => fail(`sekisho: ${e.message}`));
    if (!answer.ok) fail(answer.error);
    process.stdout.write(answer.text);
  });

withSocket(program.command('stop'))
  .description('stop the router; returns when it is gone')
  .action(async (_options: object, command: Command) => {
    const socket = socketOf(command);
    const answer = await ask(socket, { command: 'stop' }).catch((e: Error) => fail(`sekisho: ${e.message}`));
    if (!answer.ok) fail(answer.error);
    while (existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 20));
  });

withSocket(program.command('report'))
  .description(
    'an archive of everything that can be shown, without secrets; --report FILE looks at one, elsewhere too',
  )
  .option('--to <file>', 'file to write', 'sekisho-report.json.gz')
  .action(async ({ to }: { to: string }, command: Command) => {
    const answer = await ask(socketOf(command), { command: 'report' }).catch((e: Error) =>
      fail(`sekisho: ${e.message}`),
    );
    if (!answer.ok) fail(answer.error);
    writeReport(to, answer.data as Report);
    process.stdout.write(`${to}\n`);
  });

program.addCommand(convertCommand());
program.addCommand(explainCommand());
program.addCommand(pkiCommand());
program.addCommand(probeCommand());

program.addHelpText(
  'after',
  `\nCommands of the shell, each of which may be given here too (--json for programs, --dialect yamaha):\n${overview(commandsOf('seil'), 'en')}`,
);

/** A command of the shell on the command line: `sekisho show status ipsec --json`. */
async function once(words: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    // What a command itself has keeps its place.
    args: words.map((word) => (['--ping', '--with-keys'].includes(word) ? word.slice(2) : word)),
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      socket: { type: 'string' },
      dialect: { type: 'string' },
      language: { type: 'string' },
      report: { type: 'string' },
    },
  });
  const { json, socket = process.env.SEKISHO_SOCKET ?? DEFAULT_SOCKET, dialect, language, report } = values;
  const terminal = {
    ...(dialect ? { dialect } : {}),
    ...(language ? { language } : {}),
  } as Partial<Terminal>;
  const session = new Session(socket, terminal, report === undefined ? ask : openReport(report));
  const line = [...positionals.map(literal), ...(json ? ['|', 'json'] : [])].join(' ');
  await carryOut(session, line);
}

async function carryOut(session: Session, line: string): Promise<void> {
  const { ok, text, failed } = await session.execute(line);
  (ok ? process.stdout : process.stderr).write(text);
  if (!ok || failed) process.exitCode = 1;
}

/** A word of the command line as one of the shell's, whatever is in it; a pipe that stands alone is one. */
function literal(word: string): string {
  return /[|>]./.test(word) ? `"${word.replace(/["\\]/g, '\\$&')}"` : quote(word);
}

/** Options of the program before the first word, then whether the shell or the program knows that word. */
function ofShell(args: readonly string[]): boolean {
  const rest = [...args];
  while (rest[0]?.startsWith('-')) rest.splice(0, ['--socket', '--report'].includes(rest[0]) ? 2 : 1);
  const names = program.commands.map((c) => c.name());
  return rest[0] !== undefined && rest[0] !== 'help' && !names.includes(rest[0]) && !args.includes('--help');
}

/** As a login shell is called: a person without a word, a program with `-c` and a line. */
function begin(args: readonly string[]): Promise<unknown> {
  const [flag, line] = args;
  if (flag === '-c' && line !== undefined) {
    const words = line.split(/\s+/).filter(Boolean);
    if (ofShell(words)) return carryOut(new Session(process.env.SEKISHO_SOCKET ?? DEFAULT_SOCKET), line);
    return program.parseAsync(words, { from: 'user' });
  }
  if (flag === undefined && process.stdin.isTTY) return program.parseAsync(['shell'], { from: 'user' });
  return ofShell(args) ? once(args) : program.parseAsync(args, { from: 'user' });
}

begin(process.argv.slice(2)).catch((e: Error) => fail(`sekisho: ${e.message}`));
