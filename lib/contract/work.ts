import { z } from 'zod';
import { runId } from './batch-input.ts';
import { openUpload } from './checkpoint.ts';
import { item } from './item.ts';
import { options } from './options.ts';

/** Which of its host's lanes a lane is, and to what other hosts its items are known to be led. */
const laneShare = z.strictObject({
  /** From 0. */
  number: z.int().min(0),
  of: z.int().min(1),
  leads: z.array(z.string()).optional(),
  /** Which of the shards that have lanes of this host its own one is, where robots.txt files are obeyed. */
  worker: z.strictObject({ number: z.int().min(0), of: z.int().min(1) }).optional(),
});

/**
 * What Plan hands to Transfer: `rounds/<r>/shards/<s>.jsonl`. The first line is the header, every other one a piece of
 * work, lane after lane, in the order in which a lane takes them. These objects hold full URLs: they are sealed.
 */
export const shardHeader = z.strictObject({
  kind: z.literal('shard'),
  run: runId,
  round: z.int().min(0),
  shard: z.int().min(0),
  /** Of the round; the more there are, the more rarely each writes to the ledger. */
  shards: z.int().min(1),
  to: z.string(),
  /** Of the run, epoch milliseconds. With its name it marks the objects of this run. */
  startedAt: z.int().min(0),
  options,
  /** Epoch milliseconds; past it no new item is begun. */
  roundEndsAt: z.int().min(0),
  /** Of each lane in turn, where hosts have rates or may want delays: it takes its share of them. */
  shares: z.array(laneShare).optional(),
  /** What this shard may read, of the `maxBytesPerSecond` of the run. */
  bytesPerSecond: z.number().positive().optional(),
  /** What the run's limits leave: for this shard alone, or, in-process, for all shards of the round together. */
  limits: z.strictObject({ failures: z.int().min(0).optional(), bytes: z.int().min(0).optional() }).optional(),
});

/** One item of the list as Plan validated it: what every later round starts from. */
export const listed = z.strictObject({
  /** Position in the list from 0, blank lines and comments not counted. */
  index: z.int().min(0),
  line: z.int().min(1),
  key: z.string(),
  /** Where in the key `{filename}` stands, to be put in when the source has answered. */
  nameAt: z.int().min(0).optional(),
  item,
});

/** The object that an earlier line was stored as which asks for the same: what is copied instead of fetched. */
export const copySource = z.strictObject({
  line: z.int().min(1),
  key: z.string(),
  /** Of the object; none: it stood there before, and was found unchanged. */
  etag: z.string().optional(),
  /** Epoch milliseconds before which nobody asks the host, should it have to be fetched after all. */
  askFrom: z.int().optional(),
});

/** Where an item stands that was worked on before. */
export const itemState = z.strictObject({
  /** An upload to go on with. */
  open: openUpload.optional(),
  /** So often it began again because its source was another one. */
  restarts: z.int().min(0).optional(),
  /** Its source takes no ranges: it is read in one go or not at all. */
  whole: z.boolean().optional(),
  resumes: z.int().min(0).optional(),
});

export const itemWork = listed.extend({
  ...itemState.shape,
  /** `item`: all of it, up to the commit. `range`: some parts of an open upload, side by side with other workers. */
  kind: z.enum(['item', 'range']),
  /** Of a range: first and last part, both included. */
  parts: z.strictObject({ first: z.int().min(1), last: z.int().min(1) }).optional(),
  lane: z.int().min(0),
  /** Attempts that earlier rounds used up. */
  attempts: z.int().min(0).default(0),
  /** Epoch milliseconds of the first attempt, when there was one. */
  since: z.int().min(0).optional(),
  /** The item did not fit into what was left of an invocation; this one is its own. */
  alone: z.boolean().optional(),
  /** Its host refused in the last round: whoever is refused once more parks it again. */
  probe: z.boolean().optional(),
  copyOf: copySource.optional(),
});

export type LaneShare = z.infer<typeof laneShare>;
export type ShardHeader = z.infer<typeof shardHeader>;
export type CopySource = z.infer<typeof copySource>;
export type Listed = z.infer<typeof listed>;
export type ItemState = z.infer<typeof itemState>;
export type ItemWork = z.infer<typeof itemWork>;
