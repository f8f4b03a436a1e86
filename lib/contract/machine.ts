import { z } from 'zod';
import { runId } from './batch-input.ts';
import { MAX_INLINE_SHARDS } from './limits.ts';
import { summary } from './summary.ts';

/**
 * What travels through the state machine: names and numbers, never an item (a payload holds 256 KiB). The state
 * machine's Choices read `next`, its Map reads `mode`, `shards` and `maxConcurrency`.
 */

/** One element of `rounds/<r>/shards.json`, the Map's items. */
export const shard = z
  .strictObject({ shard: z.int().min(0), items: z.int().min(1), lanes: z.int().min(1) })
  .meta({ id: 'shard', title: 'Shard', description: 'One Map item: the lanes of one Transfer invocation.' });

/** Which execution asks; from the state machine's context object. */
const execution = z.strictObject({ id: z.string(), name: z.string(), startedAt: z.string() });

export const planAnswer = z.strictObject({
  run: runId,
  round: z.int().min(0),
  /** `continue`: Plan's time was up. `wait`: nothing may start before `waitSeconds`. */
  next: z.enum(['continue', 'fan-out', 'wait', 'report']),
  waitSeconds: z.int().min(0),
  maxConcurrency: z.int().min(1),
  mode: z.enum(['inline', 'distributed']),
  /** Inline: the shards themselves. Distributed: empty, the Map reads `shardsAt`. */
  shards: z.array(shard).max(MAX_INLINE_SHARDS),
  shardsAt: z.strictObject({ bucket: z.string(), key: z.string() }),
});

/** Plan's event: the batch input at first, then its own last answer. */
export const planEvent = z.strictObject({ execution, input: z.unknown() });

export const transferEvent = z.strictObject({ run: runId, round: z.int().min(0), shard });
export const transferAnswer = transferEvent.extend({ next: z.enum(['continue', 'done']) });

export const reportEvent = z.strictObject({ run: runId });
export const reportAnswer = reportEvent.extend({ next: z.enum(['continue', 'done']), summary: summary.optional() });

export type Shard = z.infer<typeof shard>;
export type Execution = z.infer<typeof execution>;
export type PlanEvent = z.infer<typeof planEvent>;
export type PlanAnswer = z.infer<typeof planAnswer>;
export type TransferEvent = z.infer<typeof transferEvent>;
export type TransferAnswer = z.infer<typeof transferAnswer>;
export type ReportEvent = z.infer<typeof reportEvent>;
export type ReportAnswer = z.infer<typeof reportAnswer>;
