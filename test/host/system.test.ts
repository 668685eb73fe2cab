// What the system around the router is asked for, and when: it keeps the last wish over starts.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Host } from '../../src/host/host.ts';
import { NO_ACCESS } from '../../src/plan/access.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-system-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('nothing is asked for while the first plan is carried out: half of it would shut everybody out', async () => {
  const host = new Host({ system: folder }, { lease: () => {}, trouble: () => {} });
  await host.setHostname('gate');
  host.setAccess({ ...NO_ACCESS, sshd: true });
  expect(existsSync(join(folder, 'system'))).toBe(false);
  host.tellSystem();
  expect(readFileSync(join(folder, 'system'), 'utf8')).toMatch(/^hostname gate\n[\s\S]*^sshd on$/m);
});
