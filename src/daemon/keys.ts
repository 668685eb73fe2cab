// Keys of SAs, for those who may see them and as long as they were asked for: all that live now, and all that come meanwhile.
import type { ChildSa } from '../ike/child.ts';
import type { Connection } from '../ike/core.ts';
import type { EspSa } from '../ike/io.ts';
import { hex } from '../net/bytes.ts';
import { type EspKeys, type Ikev1Keys, type Ikev2Keys, type Tables, tablesOf } from '../show/wireshark.ts';

/** Gathers the keys of a connection's SAs, or of all; look() as often as something may have changed. */
export class KeyWindow {
  readonly #ikev1 = new Map<string, Ikev1Keys>();
  readonly #ikev2 = new Map<string, Ikev2Keys>();
  readonly #esp = new Map<string, EspKeys>();
  readonly #connection: string | undefined;

  /** `connection`: the name of a tunnel; undefined is all. */
  constructor(connection?: string) {
    this.#connection = connection;
  }

  look(connections: ReadonlyMap<string, Connection>): void {
    for (const connection of connections.values()) {
      const { policy, sas, children } = connection;
      const wanted = this.#connection;
      if (wanted !== undefined && policy.name !== wanted && !policy.children.some((c) => c.name === wanted))
        continue;
      for (const sa of sas) {
        if (!sa.keys || !sa.suite) continue;
        if (sa.version === 1) {
          this.#ikev1.set(hex(sa.cookieI), { cookieI: sa.cookieI, cipherKey: sa.keys.cipher });
        } else {
          const { spiI, spiR, suite, keys } = sa;
          const { ei, er, ai, ar } = keys;
          const { cipher, integrity } = suite;
          this.#ikev2.set(hex(spiI) + hex(spiR), { spiI, spiR, cipher, integrity, ei, er, ai, ar });
        }
      }
      for (const child of children) this.#child(child);
    }
  }

  #child({ esp, remote, local, ikeSa }: ChildSa): void {
    if (!esp) return;
    const [ours, theirs] = [(ikeSa?.local ?? local).address, remote.address];
    this.#half(esp.in, theirs, ours);
    this.#half(esp.out, ours, theirs);
  }

  #half(sa: EspSa, source: string, destination: string): void {
    this.#esp.set(`${source} ${destination} ${sa.spi}`, {
      ...{ source, destination, spi: sa.spi, cipher: sa.cipher, integrity: sa.integrity, esn: sa.esn },
      key: sa.key.reveal(),
      integrityKey: sa.integrityKey?.reveal() ?? new Uint8Array(0),
    });
  }

  tables(): Tables {
    return tablesOf({
      ikev1: [...this.#ikev1.values()],
      ikev2: [...this.#ikev2.values()],
      esp: [...this.#esp.values()],
    });
  }
}
