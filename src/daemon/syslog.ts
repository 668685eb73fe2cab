// Sends the log to servers by UDP (RFC 5426). What cannot be sent is lost, as UDP has it: a log must hold nobody up.
import { createSocket, type Socket } from 'node:dgram';
import { familyOf } from '../net/address.ts';
import type { SyslogServer } from '../plan/desired.ts';
import type { LogEntry } from '../show/log/entry.ts';
import { LEVELS, syslogLine } from '../show/log/syslog.ts';

type Target = { readonly server: SyslogServer; readonly socket: Socket };

export class Syslog {
  #targets: readonly Target[] = [];

  /** From here on these servers. */
  follow(servers: readonly SyslogServer[]): void {
    this.close();
    this.#targets = servers.map((server) => {
      const socket = createSocket({
        type: familyOf(server.address) === 6 ? 'udp6' : 'udp4',
        reuseAddr: true,
      });
      socket.on('error', () => {}); // An address that is not ours yet, a way that is not there.
      const at = { ...(server.source ? { address: server.source } : {}), port: server.sourcePort ?? 0 };
      socket.bind(at);
      socket.unref();
      return { server, socket };
    });
  }

  send(entry: LogEntry): void {
    for (const { server, socket } of this.#targets) {
      if (LEVELS.indexOf(entry.level) < LEVELS.indexOf(server.level)) continue;
      const line = syslogLine(entry, server.format, server.facility, server.hostname);
      socket.send(line, server.port, server.address, () => {});
    }
  }

  close(): void {
    for (const { socket } of this.#targets) socket.close();
    this.#targets = [];
  }
}
