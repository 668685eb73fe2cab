// `sekisho explain`: what a captured negotiation says, without a router.
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { explain } from '../src/explain/explain.ts';
import { explanationText } from '../src/explain/text.ts';

/** Longer captures are cut down to IKE first: all of the file stands in memory. */
const MAX_MEGABYTES = 512;

function fail(message: string): never {
  process.stderr.write(`sekisho: ${message}\n`);
  process.exit(1);
}

function read(file: string): Uint8Array {
  let fd: number | undefined;
  try {
    fd = openSync(file, 'r');
    if (fstatSync(fd).size > MAX_MEGABYTES * 1e6) {
      const filter = 'udp port 500 or udp port 4500';
      fail(
        `${file} has more than ${MAX_MEGABYTES} MB: take IKE out first, tcpdump -r ${file} -w ike.pcap '${filter}'.`,
      );
    }
    return readFileSync(fd);
  } catch (e) {
    const code = (e as NodeJS.ErrnoException).code;
    const why =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : String(code);
    return fail(`cannot read ${file}: ${why}.`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

export function explainCommand(): Command {
  return new Command('explain')
    .description('explain the IKE negotiations in a capture file (pcap or pcapng)')
    .argument('<file>', 'as tcpdump -w writes it')
    .option('--json', 'as JSON')
    .action((file: string, options: { json?: boolean }) => {
      const explained = explain(read(file));
      if (!explained.ok) return fail(`${file}: ${explained.why}.`);
      const { value } = explained;
      process.stdout.write(options.json ? `${JSON.stringify(value, null, 2)}\n` : explanationText(value));
    });
}
