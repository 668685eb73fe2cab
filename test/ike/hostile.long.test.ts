// The same as hostile.test.ts for minutes, with other seeds.
import { describe, test, vi } from 'vitest';
import { fuzzCodecs } from '../fuzz/codec.ts';
import { fuzzEngine, SCENES } from '../fuzz/engine.ts';

vi.setConfig({ testTimeout: 600_000 });

const SEEDS = Array.from({ length: 8 }, (_, i) => 100 + i);

test.each(SEEDS)('a million mutated messages through both codecs, seed %i', (seed) => {
  fuzzCodecs(1_000_000, seed);
});

describe.each(SEEDS)('hostile datagrams at two engines, seed %i', (seed) => {
  test.each(SCENES)('$name', (scene) => {
    fuzzEngine(scene, 20_000, seed);
  });
});
