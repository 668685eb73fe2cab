// One end of a connection, run as a process of its own inside a namespace; who is there is told from where it was called:
//   reach.ts answer PORT       prints "listening"; answers TCP and UDP with the address and port that it sees, to the end
//   reach.ts tcp|udp ADDRESS PORT [SOURCE-PORT]    prints that answer, or ends with 1 after two seconds
import { createSocket } from 'node:dgram';
import { connect, createServer, isIPv6 } from 'node:net';

const [role, address, port, sourcePort] = process.argv.slice(2);

const WAIT_MS = 2000;

function done(text: string): void {
  console.log(text);
  process.exit(0);
}

function answer(at: number): void {
  const tcp = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`${socket.remoteAddress?.replace('::ffff:', '')} ${socket.remotePort}`);
  });
  const udp = createSocket({ type: 'udp6' });
  udp.on('message', (_, from) => {
    udp.send(`${from.address.replace('::ffff:', '')} ${from.port}`, from.port, from.address);
  });
  udp.bind(at, '::', () => tcp.listen(at, '::', () => console.log('listening')));
}

function tcp(): void {
  const socket = connect({
    ...{ host: address, port: Number(port) },
    ...(sourcePort ? { localPort: Number(sourcePort) } : {}),
  });
  let text = '';
  socket.on('data', (part) => {
    text += part;
  });
  socket.on('end', () => done(text));
  socket.on('error', () => process.exit(1));
}

function udp(): void {
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4' });
  socket.on('message', (text) => done(String(text)));
  socket.on('error', () => process.exit(1));
  socket.bind(Number(sourcePort ?? 0), () => socket.send('who is it?', Number(port), address));
}

if (role === 'answer') answer(Number(address));
else {
  setTimeout(() => process.exit(1), WAIT_MS);
  if (role === 'tcp') tcp();
  else udp();
}
