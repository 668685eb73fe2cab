// Images of partitions into their places on a disk's image.
import { readFileSync, writeSync } from 'node:fs';

export type Partition = { readonly name: string; readonly size: number };

/** `places`: where each begins, in octets. Throws where an image is larger than its partition. */
export function layInto(
  disk: number,
  images: Readonly<Record<string, string>>,
  partitions: readonly Partition[],
  places: Readonly<Record<string, number>>,
): void {
  for (const [name, file] of Object.entries(images)) {
    const { size = 0 } = partitions.find((p) => p.name === name) ?? {};
    const data = readFileSync(file);
    if (data.length > size) throw new Error(`${name} has ${data.length} octets, and its partition ${size}.`);
    writeSync(disk, data, 0, data.length, places[name]);
  }
}
