// strongSwan's configuration files as text, for charon in a namespace and for charon in a guest alike.

export type Child = {
  name: string;
  localTs: string | string[];
  remoteTs: string | string[];
  espProposals: string | string[];
  mode?: 'tunnel' | 'transport';
  startAction?: string;
  dpdAction?: string;
  /** Seconds, or with a unit as strongSwan reads it ("50m"). */
  rekeyTime?: number | string;
  lifeTime?: number | string;
  rekeyBytes?: number | string;
  /** Lines that go into the section as they are. */
  extra?: string[];
};

export type Connection = {
  name: string;
  version: 1 | 2;
  /** Outer addresses, also the identities unless `localId` and `remoteId` say otherwise. */
  local: string;
  remote: string;
  psk: string;
  /** What both sides prove themselves with; files below the swanctl folder. */
  pubkey?: { certs?: string; cacerts?: string; pubkeys?: string };
  localId?: string;
  remoteId?: string;
  proposals: string | string[];
  /** UDP encapsulation even without a NAT. Default true: ESP in userland cannot do without. */
  encap?: boolean;
  children: Child[];
  dpdDelay?: number | string;
  rekeyTime?: number | string;
  overTime?: number | string;
  aggressive?: boolean;
  mobike?: boolean;
  extra?: string[];
};

/** A list is lines taken verbatim, its key a mere handle. */
export type Section = { [key: string]: Section | string | number | boolean | string[] | undefined };

/** One setting a line: strongSwan's parser ends a value at the line's end and nowhere else. */
export function renderSection(section: Section, indent = ''): string {
  let text = '';
  for (const [key, value] of Object.entries(section)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) text += value.map((line) => `${indent}${line}\n`).join('');
    else if (typeof value === 'object')
      text += `${indent}${key} {\n${renderSection(value, `${indent}  `)}${indent}}\n`;
    else if (typeof value === 'boolean') text += `${indent}${key} = ${value ? 'yes' : 'no'}\n`;
    else text += `${indent}${key} = ${quote(String(value))}\n`;
  }
  return text;
}

/** Puts `value` at a path of dots: 'plugins.vici.socket' goes two sections down. */
export function setOption(section: Section, path: string, value: string): void {
  const keys = path.split('.');
  let at = section;
  for (const key of keys.slice(0, -1)) {
    at[key] ??= {};
    at = at[key] as Section;
  }
  at[keys.at(-1)!] = value;
}

/** `swanctl.conf`. `encap` is what a connection gets that does not say. */
export function swanctlConf(connections: Connection[], encap = true): string {
  for (const name of connections.flatMap((c) => [c.name, ...c.children.map((child) => child.name)])) {
    if (!/^[\w-]+$/.test(name))
      throw new Error(`${name}: strongSwan takes a dot in a name for a section below`);
  }
  const secrets: Section = {};
  for (const [index, c] of connections.entries()) {
    const ids = [c.localId ?? c.local, c.remoteId ?? c.remote].filter((id) => id !== '%any');
    secrets[`ike-${index}`] = {
      ...Object.fromEntries(ids.map((id, n) => [`id-${n + 1}`, id])),
      raw: [`secret = ${JSON.stringify(c.psk)}`],
    };
  }
  return renderSection({
    connections: Object.fromEntries(connections.map((c) => [c.name, connection(c, encap)])),
    secrets,
  });
}

function connection(c: Connection, encap: boolean): Section {
  return {
    version: c.version,
    local_addrs: c.local,
    remote_addrs: c.remote,
    proposals: list(c.proposals),
    encap: c.encap ?? encap,
    mobike: c.mobike ?? false,
    aggressive: c.aggressive,
    dpd_delay: c.dpdDelay,
    rekey_time: c.rekeyTime,
    over_time: c.overTime,
    extra: c.extra,
    local: {
      auth: c.pubkey ? 'pubkey' : 'psk',
      id: c.localId ?? c.local,
      certs: c.pubkey?.certs,
      pubkeys: c.pubkey?.pubkeys && `own-${c.pubkey.pubkeys}`,
    },
    remote: {
      auth: c.pubkey ? 'pubkey' : 'psk',
      id: c.remoteId ?? c.remote,
      cacerts: c.pubkey?.cacerts,
      pubkeys: c.pubkey?.pubkeys,
    },
    children: Object.fromEntries(c.children.map((child) => [child.name, childSection(child)])),
  };
}

function childSection(c: Child): Section {
  return {
    mode: c.mode ?? 'tunnel',
    local_ts: list(c.localTs),
    remote_ts: list(c.remoteTs),
    esp_proposals: list(c.espProposals),
    start_action: c.startAction ?? 'none',
    dpd_action: c.dpdAction,
    rekey_time: c.rekeyTime,
    life_time: c.lifeTime,
    rekey_bytes: c.rekeyBytes,
    extra: c.extra,
  };
}

export type CharonFiles = {
  /** A file for charon's log, and the vici socket that swanctl talks to. */
  log: string;
  socket: string;
  /** Plugins to load, in order. */
  plugins: string[];
  useIpv6?: boolean;
  options?: Record<string, string>;
};

/** `strongswan.conf`. The keys of `options` are paths below `charon-systemd`. */
export function strongswanConf(files: CharonFiles): string {
  const charon: Section = {
    load: files.plugins.join(' '),
    plugins: {
      vici: { socket: `unix://${files.socket}` },
      'socket-default': { use_ipv6: files.useIpv6 ?? false },
      // Debian's own configuration keeps it from loading unless told; harmless where it is not listed.
      'kernel-libipsec': { load: files.plugins.includes('kernel-libipsec'), allow_peer_ts: true },
    },
    // Appending keeps one story over a restart.
    filelog: { lab: { path: files.log, default: 1, flush_line: true, append: true } },
    journal: { default: -1 },
    port: 500,
    port_nat_t: 4500,
    install_virtual_ip: false,
  };
  for (const [path, value] of Object.entries(files.options ?? {})) setOption(charon, path, value);
  return renderSection({
    'charon-systemd': charon,
    swanctl: { load: 'pem pkcs1 pkcs8 x509 pubkey openssl random' },
  });
}

/** What both kinds of charon load besides their kernel interface. */
export const PLUGINS = [
  ...[
    'random',
    'nonce',
    'openssl',
    'aes',
    'sha1',
    'sha2',
    'md5',
    'hmac',
    'kdf',
    'gcm',
    'ccm',
    'ctr',
    'chapoly',
  ],
  ...['gmp', 'curve25519', 'pem', 'pkcs1', 'pkcs8', 'x509', 'pubkey', 'constraints', 'revocation'],
  ...[
    'eap-identity',
    'eap-md5',
    'eap-mschapv2',
    'xauth-generic',
    'kernel-netlink',
    'socket-default',
    'vici',
    'updown',
  ],
];

/** Whether `swanctl --list-sas` shows a CHILD_SA of that name in service (a rekeying one still is). */
export function childInstalled(sas: string, child: string): boolean {
  const name = child.replace(/[^\w-]/g, '\\$&');
  return new RegExp(`^\\s+${name}: #\\d+, .*\\b(INSTALLED|REKEYING)\\b`, 'm').test(sas);
}

function list(value: string | string[]): string {
  return Array.isArray(value) ? value.join(',') : value;
}

/** Anything but plain words goes into quotes; `#` would start a comment, braces a section. */
function quote(text: string): string {
  return /^[\w ./:,@%*+!?|[\]-]*$/.test(text) ? text : JSON.stringify(text);
}
