import { defineConfig } from 'vitest/config';
import { lane } from '../support/lane.ts';

/** Peak memory up to 8 GiB: some minutes, with figures. `npm run test:memory`; a short version is part of `npm test`. */
export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['verbose', './test/support/closing-line.ts'],
    projects: [lane('memory', ['test/memory/full/**/*.test.ts'], { testTimeout: 1_800_000 })],
  },
});
