// Kernel settings under /proc/sys, with what they were before.
import { readdir, readFile, writeFile } from 'node:fs/promises';

/** Sets a value like "net/ipv4/ip_forward"; returns the old one, or undefined when the kernel has no such setting. */
export async function setSysctl(path: string, value: string): Promise<string | undefined> {
  const file = `/proc/sys/${path}`;
  try {
    const old = (await readFile(file, 'utf8')).trim();
    if (old !== value) await writeFile(file, value);
    return old;
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw e;
  }
}

/** Undefined when the kernel has no such setting. */
export async function readSysctl(path: string): Promise<string | undefined> {
  return readFile(`/proc/sys/${path}`, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}

/** The names below a folder of settings. */
export function listSysctls(folder: string): Promise<string[]> {
  return readdir(`/proc/sys/${folder}`);
}
