// `sekisho report`: an archive of all views, and a router made of such an archive, to look at it elsewhere.
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Answer, Report, Request } from '../src/daemon/protocol.ts';
import { fail } from './file.ts';

/** No archive is larger than this when it is unpacked. */
const MOST_OCTETS = 64 << 20;

export function writeReport(file: string, report: Report): void {
  writeFileSync(file, gzipSync(JSON.stringify(report)), { mode: 0o600 });
}

/** Answers as the router did when the report was made. */
export function openReport(file: string): (socket: string, request: Request) => Promise<Answer> {
  let report: Report;
  try {
    report = JSON.parse(
      gunzipSync(readFileSync(file), { maxOutputLength: MOST_OCTETS }).toString(),
    ) as Report;
  } catch {
    return fail(`sekisho: ${file} is no report.`);
  }
  if (report?.kind !== 'sekisho-report') return fail(`sekisho: ${file} is no report.`);
  return async (_socket, request) => {
    if (request.command === 'state') return { ok: true, text: '', data: { ...report.state, role: 'user' } };
    if (request.command !== 'show')
      return { ok: false, error: `A report of ${report.time} can only be looked at.` };
    const view = Object.hasOwn(report.shows, request.what) ? report.shows[request.what] : undefined;
    if (!view) return { ok: false, error: `The report has nothing under "${request.what}".` };
    const text = request.json ? `${JSON.stringify(view.data, null, 2)}\n` : view.text;
    return { ok: true, text, data: view.data };
  };
}
