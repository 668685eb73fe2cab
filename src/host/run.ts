// Runs a tool of the system; what it complains about becomes one sentence.
import { spawn } from 'node:child_process';

export class HostError extends Error {}

/** The tool's standard output. Throws HostError with its complaint, or with what package is missing. */
export function run(command: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let [out, complaint] = ['', ''];
    child.stdout.on('data', (d) => {
      out += d;
    });
    child.stderr.on('data', (d) => {
      complaint += d;
    });
    child.on('error', (e: NodeJS.ErrnoException) => {
      const missing = e.code === 'ENOENT' ? `${command} is not installed` : e.message;
      reject(new HostError(missing));
    });
    child.on('close', (code) => {
      if (code === 0) resolve(out);
      else
        reject(
          new HostError(
            `${command} ${args.join(' ')}: ${complaint.trim().split('\n')[0] || `exit code ${code}`}`,
          ),
        );
    });
    child.stdin.on('error', () => {}); // A tool that ends early closes its input: its exit code tells.
    child.stdin.end(input ?? '');
  });
}
