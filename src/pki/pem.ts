// PEM (RFC 7468): the blocks of a file.

export type Block = { readonly label: string; readonly der: Uint8Array };

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n([A-Za-z0-9+/=\s]+)-----END \1-----/g;

/** Every block in order; what stands between them is explanatory text. */
export function pemBlocks(text: string): Block[] {
  return [...text.matchAll(BLOCK)].map(([, label, body]) => ({
    label,
    der: new Uint8Array(Buffer.from(body, 'base64')),
  }));
}

export function pemText({ label, der }: Block): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
