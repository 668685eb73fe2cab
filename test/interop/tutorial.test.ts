// The tutorial in docs/, line by line: what it says is typed is typed, and what it says is seen must be seen.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab } from './netns.ts';
import { exec } from './proc.ts';

const ROOT = new URL('../..', import.meta.url).pathname;

type Step = { readonly prompt: string; readonly lines: string[]; readonly seen: string[] };

/** Lines behind one prompt, until something is to be seen or another prompt comes. */
function stepsOf(markdown: string): Step[] {
  const steps: Step[] = [];
  for (const [, block] of markdown.matchAll(/^```console\n([\s\S]*?)^```/gm)) {
    let fresh = true;
    for (const line of block.split('\n').filter((l) => l !== '')) {
      const typed = /^(\$|tokyo#|kyoto#) (.*)$/.exec(line);
      const last = steps.at(-1);
      if (!typed) {
        last?.seen.push(line);
        continue;
      }
      const [, prompt, text] = typed;
      if (!fresh && last?.prompt === prompt && last.seen.length === 0 && prompt !== '$')
        last.lines.push(text);
      else steps.push({ prompt, lines: [text], seen: [] });
      fresh = false;
    }
  }
  return steps;
}

/** A line that is to be seen; `…` is anything. */
function pattern(seen: string): RegExp {
  return new RegExp(
    seen
      .split('…')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ +/g, ' +'))
      .join('.*'),
  );
}

const textOf = (file: string) => readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8');

let lab: Lab;
const bash = (script: string) =>
  exec(lab.scope, ['bash', '-c', `cd '${ROOT}'; ${script}`], { allowFail: true, timeoutMs: 60_000 });

async function clear(): Promise<void> {
  await bash(
    'for n in tokyo kyoto; do cli/sekisho --socket /tmp/tutorial/$n.sock stop; ip netns del $n; done 2>/dev/null; rm -rf /tmp/tutorial',
  );
}

beforeAll(async () => {
  lab = await Lab.open('tutorial');
  lab.scope.defer(clear);
});
afterAll(() => lab?.close());

async function carryOut({ prompt, lines }: Step): Promise<string> {
  if (prompt === '$') {
    const [line] = lines;
    // The machine that tests is set up already.
    if (line === 'npm run setup') return '';
    const { stdout, stderr } = await bash(
      line.endsWith('&') ? `{ ${line} } >/dev/null 2>&1 </dev/null` : line,
    );
    return stdout + stderr;
  }
  const name = prompt.slice(0, -1);
  const dialect = name === 'kyoto' ? 'yamaha' : 'seil';
  const typed = lines.map((l) => `'${l.replaceAll("'", "'\\''")}'`).join(' ');
  const shell = `cli/sekisho shell --language en --dialect ${dialect} --socket /tmp/tutorial/${name}.sock`;
  const { stdout, stderr } = await bash(`printf '%s\\n' ${typed} | ${shell}`);
  return stdout + stderr;
}

test('every line does what it says', async () => {
  await clear();
  const steps = stepsOf(textOf('tutorial.md'));
  expect(steps.length).toBeGreaterThan(30);
  for (const step of steps) {
    const said = await carryOut(step);
    for (const seen of step.seen) expect(said, `${step.prompt} ${step.lines.at(-1)}`).toMatch(pattern(seen));
  }
}, 180_000);

test('both languages have the same lines, typed and seen', () => {
  expect(stepsOf(textOf('tutorial.ja.md'))).toEqual(stepsOf(textOf('tutorial.md')));
});
