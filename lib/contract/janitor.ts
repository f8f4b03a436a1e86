import { z } from 'zod';
import { runId } from './batch-input.ts';

/** What the janitor takes and answers. `skyhaul stop` asks about one run, the hourly rule about all of them. */
export const janitorEvent = z.strictObject({ run: runId.optional() });

const cleanedRun = z.strictObject({
  run: runId,
  /**
   * `running`: its execution is at work. `busy`: it ended, and is to be asked about again. `clean`: nothing was left to
   * do. `reported`: open uploads aborted, report written.
   */
  state: z.enum(['running', 'busy', 'clean', 'reported']),
  /** Of `busy`: epoch milliseconds until which a worker may live. */
  until: z.number().optional(),
  /** Of `reported`: uploads that were open. */
  aborted: z.int().min(0).optional(),
});

const cleanedRuns = z.strictObject({ runs: z.int().min(0), reported: z.int().min(0) });

export const janitorAnswer = z.union([cleanedRun, cleanedRuns]);

export type JanitorEvent = z.infer<typeof janitorEvent>;
export type JanitorAnswer = z.infer<typeof janitorAnswer>;
