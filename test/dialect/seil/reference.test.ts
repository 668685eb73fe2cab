// docs/configuration.md is derived from the schema. After a change of it: UPDATE=1 npm test -- test/dialect/seil/reference
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { schema } from '../../../src/config/schema/index.ts';
import { explainKey } from '../../../src/dialect/seil/explain.ts';

const FILE = new URL('../../../docs/configuration.md', import.meta.url);

test('docs/configuration.md says of every key what the schema says', () => {
  const entries = schema.map((leaf) => `- ${explainKey(leaf.path.replaceAll('[]', '0'))}`);
  const text = `# Configuration keys\n\nOne line is \`key : value\`; \`[]\` stands for a number.\n\n${entries.join('\n')}\n`;
  if (process.env.UPDATE) writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});
