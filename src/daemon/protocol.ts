// What is said over the control socket, one JSON object a line each way.

export type Language = 'en' | 'ja';

/** What is selected in the dialect that selects: a tunnel, a PP interface, or nothing. */
export type Selection =
  | { readonly kind: 'none' }
  | { readonly kind: 'tunnel'; readonly number: number }
  | { readonly kind: 'pp'; readonly number: number | 'anonymous' };

export type Request =
  | {
      readonly command: 'show';
      readonly what: string;
      readonly json?: boolean;
      readonly language?: Language;
    }
  /** Of the candidate: one `key : value`; a key or all keys below it; a whole configuration in either dialect. */
  | { readonly command: 'set'; readonly line: string }
  | { readonly command: 'delete'; readonly key: string }
  | { readonly command: 'load'; readonly file: string; readonly source: string }
  | { readonly command: 'discard' }
  /** What a commit would do. */
  | { readonly command: 'check' }
  | {
      readonly command: 'commit';
      readonly comment?: string;
      /** Seconds until it is taken back unless confirmed. */
      readonly confirmWithin?: number;
      readonly when?: { readonly ping: string } | { readonly tunnel: string };
    }
  | { readonly command: 'confirm' }
  /** Makes an earlier commit the candidate. */
  | { readonly command: 'rollback'; readonly back: number }
  /** The candidate beside an earlier commit, 0 is what runs. */
  | { readonly command: 'compare'; readonly back?: number; readonly dialect?: 'seil' | 'yamaha' }
  | { readonly command: 'history' }
  | { readonly command: 'save' }
  /** A command that acts at once; the answer's data is what is selected then. */
  | {
      readonly command: 'yamaha';
      readonly line: string;
      readonly selection: Selection;
      readonly language?: Language;
    }
  /** From now on everything is taken back after some seconds, unless it is confirmed. */
  | { readonly command: 'rollback-timer'; readonly seconds: number }
  /** Who asks, and what a prompt and a completion need: State. */
  | { readonly command: 'state' }
  /** Load and commit in one. */
  | { readonly command: 'reload'; readonly file: string; readonly source: string }
  | {
      readonly command: 'diagnose';
      readonly connection: string;
      /** An address behind the peer. */
      readonly ping?: string;
      readonly json?: boolean;
    }
  /** What a tunnel carries, to an address behind it; and to answer others who measure. */
  | { readonly command: 'bench-tunnel'; readonly connection: string; readonly address?: string }
  | { readonly command: 'bench-loopback'; readonly connection: string }
  | { readonly command: 'bench-serve' }
  /** New keys for a tunnel, or for all. */
  | { readonly command: 'renew'; readonly connection?: string }
  /** Ends the SAs of a tunnel, or of all, or one by its number: what is wanted begins anew. */
  | { readonly command: 'end'; readonly connection?: string; readonly sa?: number }
  /** Keys of all that lives now and comes within some seconds. */
  | { readonly command: 'export-keys'; readonly connection?: string; readonly seconds: number }
  | {
      readonly command: 'capture';
      readonly connection: string;
      readonly seconds: number;
      readonly keys: boolean;
    }
  /** Everything that can be shown, at once: Report. */
  | { readonly command: 'report' }
  /** Verifies an update and writes it to the other slot; the answer comes when that has begun. */
  | { readonly command: 'firmware-install'; readonly file: string }
  /** FirmwareState. */
  | { readonly command: 'firmware' }
  /** FirmwareHealth. */
  | { readonly command: 'firmware-health' }
  | { readonly command: 'reboot' }
  /** Of an account, at once, and saved where nothing else waits to be saved. */
  | { readonly command: 'password'; readonly account: 'admin' | 'user'; readonly hash: string }
  | { readonly command: 'stop' };

export type Answer =
  | { readonly ok: true; readonly text: string; readonly data?: unknown }
  | { readonly ok: false; readonly error: string };

/** The caller: root and the daemon's owner may change things, others may look. */
export type Role = 'admin' | 'user';

export type Caller = { readonly role: Role /** "root", "uid 1000". */; readonly name: string };

/** The answer's data to `state`. */
export type State = {
  readonly hostname: string;
  readonly role: Role;
  /** True on a box of ours where nothing is configured and nothing ever was. */
  readonly blank: boolean;
  readonly uncommitted: number;
  readonly unsaved: number;
  /** Seconds. */
  readonly confirmWithin?: number;
  /** Names that are there now, for completion. */
  readonly tunnels: readonly string[];
  readonly interfaces: readonly string[];
  readonly spis: readonly string[];
  readonly peers: readonly string[];
  /** Keys that are configured in the candidate. */
  readonly keys: readonly string[];
};

/** The answer's data to `firmware`. */
export type { FirmwareView as FirmwareState } from '../show/firmware.ts';

/** The answer's data to `firmware-health`. */
export type FirmwareHealth = {
  /** What worked before an update and does not now. */
  readonly missing: readonly string[];
  /** Seconds that it may take. */
  readonly patience: number;
};

/** The answer's data to `report`. */
export type Report = {
  readonly kind: 'sekisho-report';
  readonly version: string;
  /** ISO 8601. */
  readonly time: string;
  readonly state: State;
  readonly shows: Readonly<Record<string, { readonly text: string; readonly data: unknown }>>;
};
