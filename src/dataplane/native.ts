// The real dataplane: the typed face of the native module. Arguments are made plain here, so that C++ only converts.
import { createRequire } from 'node:module';
import type { EspSa } from '../ike/io.ts';
import { PORT_NAT_T } from '../ike/wire/numbers.ts';
import type { Endpoint } from '../net/endpoint.ts';
import type { X509 } from '../pki/x509.ts';
import type {
  CryptoSpeed,
  Dataplane,
  DataplaneEvent,
  LoopbackSpeed,
  NativeEsp,
  Statistics,
  TunnelSettings,
} from './port.ts';

type NativeEngine = {
  allocateSpi(): number;
  openTunnel(settings: TunnelSettings): void;
  changeTunnel(settings: TunnelSettings): void;
  closeTunnel(name: string): void;
  installInbound(sa: object): void;
  installOutbound(sa: object): void;
  removeInbound(spi: number): void;
  removeOutbound(tunnel: string, spi: number): void;
  setNativeEsp(way: string): void;
  movePeer(tunnel: string, remote: Endpoint): void;
  send(local: Endpoint, remote: Endpoint, data: Uint8Array, marker: boolean): void;
  statistics(): Statistics;
  close(): void;
};

type NativeModule = {
  readonly Engine: new (onEvents: (events: DataplaneEvent[]) => void) => NativeEngine;
  readonly x509: X509;
  readonly measureCrypto: () => Promise<readonly CryptoSpeed[]>;
  readonly measureLoopback: (suite: string) => Promise<LoopbackSpeed>;
  /** The user who connected a Unix socket (SO_PEERCRED), or -1. */
  readonly peerUid: (fd: number) => number;
  /** Tells systemd something (sd_notify(3)); false where nobody listens. */
  readonly notify: (text: string) => boolean;
  /** Crypto kernels in use, best first. */
  readonly kernels: readonly string[];
  /** One sentence for each kernel that failed its known answers and is not used. */
  readonly selftestFailures: readonly string[];
};

const ADDON = '../../native/build/Release/sekisho.node';

/** Throws an Error with one sentence when the module was not built. */
export function loadNative(): NativeModule {
  try {
    return createRequire(import.meta.url)(ADDON) as NativeModule;
  } catch (e) {
    const missing = (e as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND';
    throw new Error(missing ? 'the native module is not built: run `npm run build`' : (e as Error).message);
  }
}

const KEEPALIVE = Uint8Array.of(0xff); // RFC 3948 2.3

export class NativeDataplane implements Dataplane {
  readonly #engine: NativeEngine;

  /** Opens the sockets in the current network namespace and starts the threads; throws an Error that says why not. */
  constructor(onEvent: (event: DataplaneEvent) => void) {
    this.#engine = new (loadNative().Engine)((events) => {
      for (const event of events) onEvent(event);
    });
  }

  allocateSpi(): number {
    return this.#engine.allocateSpi();
  }

  openTunnel(settings: TunnelSettings): void {
    this.#engine.openTunnel(settings);
  }

  changeTunnel(settings: TunnelSettings): void {
    this.#engine.changeTunnel(settings);
  }

  closeTunnel(name: string): void {
    this.#engine.closeTunnel(name);
  }

  installInbound(sa: EspSa): void {
    this.#engine.installInbound(plain(sa));
  }

  installOutbound(sa: EspSa): void {
    this.#engine.installOutbound(plain(sa));
  }

  removeInbound(spi: number): void {
    this.#engine.removeInbound(spi);
  }

  removeOutbound(tunnel: string, spi: number): void {
    this.#engine.removeOutbound(tunnel, spi);
  }

  setNativeEsp(way: NativeEsp): void {
    this.#engine.setNativeEsp(way);
  }

  movePeer(tunnel: string, remote: Endpoint): void {
    this.#engine.movePeer(tunnel, remote);
  }

  sendIke(local: Endpoint, remote: Endpoint, data: Uint8Array): void {
    this.#engine.send(local, remote, data, local.port === PORT_NAT_T);
  }

  sendKeepalive(local: Endpoint, remote: Endpoint): void {
    this.#engine.send(local, remote, KEEPALIVE, false);
  }

  measureCrypto(): Promise<readonly CryptoSpeed[]> {
    return loadNative().measureCrypto();
  }

  measureLoopback(suite: string): Promise<LoopbackSpeed> {
    return loadNative().measureLoopback(suite);
  }

  statistics(): Statistics {
    return this.#engine.statistics();
  }

  close(): void {
    this.#engine.close();
  }
}

/** The keys leave their Secret here and nowhere else. */
function plain(sa: EspSa): object {
  return {
    tunnel: sa.tunnel,
    spi: sa.spi,
    cipher: sa.cipher,
    integrity: sa.integrity ?? '',
    key: sa.key.reveal(),
    integrityKey: sa.integrityKey?.reveal() ?? new Uint8Array(0),
    esn: sa.esn,
    encapsulated: sa.encapsulated,
    ecn: sa.ecn,
    transport: sa.transport,
    traffic: sa.traffic,
    loose: sa.loose,
    replayWindow: sa.replayWindow,
    local: sa.local,
    remote: sa.remote,
    soft: sa.soft,
    hard: sa.hard,
  };
}
