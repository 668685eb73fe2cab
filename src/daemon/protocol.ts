// What is said over the control socket, one JSON object a line each way.

export type Request =
  | { readonly command: 'show'; readonly what: string; readonly json?: boolean }
  | { readonly command: 'reload'; readonly file: string; readonly source: string }
  | {
      readonly command: 'diagnose';
      readonly connection: string;
      /** An address behind the peer. */
      readonly ping?: string;
      readonly json?: boolean;
    }
  | { readonly command: 'stop' };

export type Answer =
  | { readonly ok: true; readonly text: string; readonly data?: unknown }
  | { readonly ok: false; readonly error: string };

/** The caller: root and the daemon's owner may change things, others may look. */
export type Role = 'admin' | 'user';
