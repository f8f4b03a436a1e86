import { defineConfig } from 'vitest/config';
import { lane } from '../support/lane.ts';

/** Runs that take minutes. They have a command of their own, `npm run test:scale`, and print their figures. */
export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['verbose', './test/support/closing-line.ts'],
    projects: [lane('scale', ['test/scale/**/*.test.ts'], { testTimeout: 1_800_000 })],
  },
});
