// What stands behind a command: | grep, | count, | json, | compare, | save, | less; > and >> are | save in Yamaha's form.
import { appendFileSync, writeFileSync } from 'node:fs';

export type Stage =
  | { readonly kind: 'grep'; readonly pattern: RegExp; readonly invert: boolean }
  | { readonly kind: 'count' | 'json' | 'less' }
  /** With what runs, or a commit before. */
  | { readonly kind: 'compare'; readonly back: number }
  | { readonly kind: 'save'; readonly file: string; readonly append: boolean };

export type Piped =
  | { readonly ok: true; readonly command: string; readonly stages: readonly Stage[] }
  | { readonly ok: false; readonly message: string };

const KNOWN = 'grep [-i] [-v] [-w] PATTERN, count, json, compare [N], less, save FILE';

/** Splits at | and >, but not within quotes. */
export function parsePipes(line: string): Piped {
  const parts: { mark: string; text: string }[] = [{ mark: '', text: '' }];
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    // What is behind a backslash is what it is.
    if (c === '\\' && i + 1 < line.length) {
      parts[parts.length - 1].text += c + line[++i];
      continue;
    }
    if (quote !== '') {
      if (c === quote) quote = '';
    } else if ((c === '"' || c === "'") && /[\s=]/.test(line[i - 1] ?? ' ')) quote = c;
    else if (c === '|' || c === '>') {
      const append = c === '>' && line[i + 1] === '>';
      parts.push({ mark: append ? '>>' : c, text: '' });
      if (append) i++;
      continue;
    }
    const last = parts[parts.length - 1];
    last.text += c;
  }
  const stages: Stage[] = [];
  for (const { mark, text } of parts.slice(1)) {
    if (stages.at(-1)?.kind === 'save') return { ok: false, message: 'Nothing can stand behind a file.' };
    const stage = mark === '|' ? stageOf(text.trim()) : fileStage(text.trim(), mark === '>>');
    if (typeof stage === 'string') return { ok: false, message: stage };
    stages.push(stage);
  }
  return { ok: true, command: parts[0].text.trim(), stages };
}

function fileStage(file: string, append: boolean): Stage | string {
  return file === '' || /\s/.test(file) ? 'Give the name of one file.' : { kind: 'save', file, append };
}

function stageOf(text: string): Stage | string {
  const [word = '', ...rest] = text.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  switch (word) {
    case 'count':
    case 'json':
    case 'less':
      return { kind: word };
    case 'compare': {
      const [back = '0', ...more] = rest;
      if (more.length > 0 || !/^\d{1,6}$/.test(back))
        return 'compare takes the number of a commit in show history.';
      return { kind: word, back: Number(back) };
    }
    case 'save':
      return fileStage(rest.join(' '), false);
    case 'grep':
      return grep(rest);
    default:
      return `Behind | stands ${KNOWN}.`;
  }
}

function grep(words: readonly string[]): Stage | string {
  const flags = words.filter((w) => /^-[ivw]+$/.test(w)).join('');
  const pattern = words
    .filter((w) => !/^-[ivw]+$/.test(w))
    .map((w) => w.replace(/^["']|["']$/g, ''))
    .join(' ');
  if (pattern === '') return 'Give grep what to look for.';
  try {
    const source = flags.includes('w') ? `\\b(?:${pattern})\\b` : pattern;
    return {
      kind: 'grep',
      pattern: new RegExp(source, flags.includes('i') ? 'i' : ''),
      invert: flags.includes('v'),
    };
  } catch {
    return `${pattern} is no pattern.`;
  }
}

/** The text after the stages; what goes into a file is shown no more. Throws one sentence where the file cannot be written. */
export function throughPipes(text: string, stages: readonly Stage[]): string {
  let out = text;
  for (const stage of stages) {
    const lines = out.split('\n').slice(0, out.endsWith('\n') ? -1 : undefined);
    if (stage.kind === 'grep') {
      out = lines
        .filter((line) => stage.pattern.test(line) !== stage.invert)
        .map((line) => `${line}\n`)
        .join('');
    } else if (stage.kind === 'count') out = `${out === '' ? 0 : lines.length}\n`;
    else if (stage.kind === 'save') {
      const options = { mode: 0o600 } as const;
      if (stage.append) appendFileSync(stage.file, out, options);
      else writeFileSync(stage.file, out, options);
      out = '';
    }
  }
  return out;
}
