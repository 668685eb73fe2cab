// One end of a TCP transfer, run as a process of its own inside a namespace:
//   tcp-blob.ts receive ADDRESS PORT            prints "listening", then {sha256, bytes, seconds}
//   tcp-blob.ts send ADDRESS PORT BYTES SEED    prints {sha256}

import { createCipheriv, createHash } from 'node:crypto';
import { connect, createServer, isIPv6 } from 'node:net';

const [role, address, port, bytes, seed] = process.argv.slice(2);

/** The same bytes for the same seed, in chunks that are no multiple of any packet's size; incompressible. */
function* blob(length: number, start: number): Generator<Buffer> {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(start >>> 0);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(60_007);
  for (let left = length; left > 0; left -= zeros.length) {
    yield cipher.update(left < zeros.length ? zeros.subarray(0, left) : zeros);
  }
}

function receive(): void {
  const server = createServer((socket) => {
    server.close();
    const hash = createHash('sha256');
    const started = performance.now();
    let total = 0;
    socket.on('data', (chunk) => {
      hash.update(chunk);
      total += chunk.length;
    });
    socket.on('error', fail);
    socket.on('end', () => {
      const seconds = (performance.now() - started) / 1000;
      console.log(JSON.stringify({ sha256: hash.digest('hex'), bytes: total, seconds }));
    });
  });
  // The wildcard of the address's family: a NAT in front may have changed the address.
  server.on('error', fail);
  server.listen(Number(port), isIPv6(address) ? '::' : '0.0.0.0', () => console.log('listening'));
}

function send(): void {
  const hash = createHash('sha256');
  const chunks = blob(Number(bytes), Number(seed));
  const socket = connect(Number(port), address, () => {
    socket.on('drain', pump);
    pump();
  });
  // By hand: leaving a for-of loop early would end the generator.
  function pump(): void {
    for (let next = chunks.next(); !next.done; next = chunks.next()) {
      hash.update(next.value);
      if (!socket.write(next.value)) return;
    }
    socket.off('drain', pump);
    socket.end();
  }
  socket.resume();
  socket.on('error', fail);
  socket.on('close', () => console.log(JSON.stringify({ sha256: hash.digest('hex') })));
}

function fail(error: Error): never {
  console.error(error.message);
  process.exit(1);
}

if (role === 'receive') receive();
else send();
