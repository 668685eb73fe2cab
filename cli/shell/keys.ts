// `export keys` and `capture`: what the router tells goes into files that only their owner can read.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Args } from '../../src/dialect/grammar/match.ts';
import { type Outcome, type Session, said } from './session.ts';

type Tables = Readonly<Record<string, string>>;

function store(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    chmodSync(path, 0o600);
  }
}

const rows = (tables: Tables) =>
  Object.entries(tables)
    .map(([name, text]) => `${name}: ${text.split('\n').length - 1}`)
    .join(', ');

/** How Wireshark is told of the files. */
const HINT =
  'Put the files into a Wireshark profile, or start it with WIRESHARK_CONFIG_DIR set to the folder; ESP needs the preference esp.enable_encryption_decode.\n';

function kept(folder: string, files: Readonly<Record<string, string | Uint8Array>>, text: string): Outcome {
  try {
    store(folder, files);
    return { ok: true, text };
  } catch (e) {
    return { ok: false, text: `${(e as Error).message}\n` };
  }
}

export async function exportKeys(session: Session, args: Args): Promise<Outcome> {
  const seconds = Number(args.window ?? 0);
  const connection = args.tunnel === undefined ? {} : { connection: String(args.tunnel) };
  const answer = await session.request({ command: 'export-keys', seconds, ...connection });
  if (!answer.ok) return said(answer);
  const tables = answer.data as Tables;
  const folder = resolve(String(args.folder ?? 'sekisho-keys'));
  return kept(folder, tables, `${folder}: ${rows(tables)}\n${HINT}`);
}

export async function captureTunnel(session: Session, args: Args): Promise<Outcome> {
  const connection = String(args.tunnel);
  const keys = args.keys !== undefined;
  const answer = await session.request({
    command: 'capture',
    connection,
    seconds: Number(args.window),
    keys,
  });
  if (!answer.ok) return said(answer);
  const { pcapng, tables } = answer.data as { pcapng: string; tables?: Tables };
  const folder = resolve(String(args.folder ?? `sekisho-capture-${connection}`));
  const files = { [`${connection}.pcapng`]: Buffer.from(pcapng, 'base64'), ...tables };
  return kept(folder, files, `${folder}: ${answer.text}${tables ? `${rows(tables)}\n${HINT}` : ''}`);
}
