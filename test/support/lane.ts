interface LaneOptions {
  readonly globalSetup?: string[];
  readonly testTimeout?: number;
}

/** A vitest project. Time limits are generous because machines are noisy: a test that hangs is the only thing they catch. */
export function lane(name: string, include: string[], options: LaneOptions = {}) {
  return { test: { name, include, testTimeout: 60_000, hookTimeout: 180_000, pool: 'forks' as const, ...options } };
}
