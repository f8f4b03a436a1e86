import { z } from 'zod';
import { errorNames } from '../errors/catalogue.ts';
import { checkpoint, digestState, uploadedPart } from './checkpoint.ts';
import { outcome } from './outcome.ts';

/** Requests that an attempt sent to the destination, for the cost in the summary. */
const storeRequests = z.strictObject({ put: z.int().min(0), get: z.int().min(0) });

const started = z.strictObject({
  row: z.literal('started'),
  at: z.int(),
  /** Epoch milliseconds at which this attempt cannot live any more; none in-process, where it dies with its process. */
  livesUntil: z.int().optional(),
});

/** An item is done. */
const done = outcome.extend({ row: z.literal('outcome'), index: z.int().min(0) });

/** An item is not done and goes on in a later round. */
const deferred = z.strictObject({
  row: z.literal('deferred'),
  index: z.int().min(0),
  line: z.int().min(1),
  attempts: z.int().min(0),
  since: z.int().optional(),
  error: z.enum(errorNames).optional(),
  message: z.string().optional(),
  status: z.int().optional(),
  /** Epoch milliseconds before which the item, or with `host` every item of that host, is not to be tried. */
  notBefore: z.int().optional(),
  host: z.string().optional(),
  alone: z.boolean().optional(),
  resumes: z.int().min(0).optional(),
});

/** A host refuses: no item that stands with it in this shard is to be tried before `notBefore`. */
const host = z.strictObject({
  row: z.literal('host'),
  host: z.string(),
  error: z.enum(errorNames),
  message: z.string(),
  status: z.int().optional(),
  /** Epoch milliseconds. */
  notBefore: z.int(),
});

/** A request for an item of one host was sent on to another one. Once an attempt for each pair. */
const redirect = z.strictObject({ row: z.literal('redirect'), host: z.string(), to: z.string() });

/** The robots.txt of a host wants so many milliseconds between two requests. Once an attempt for each host. */
const delay = z.strictObject({ row: z.literal('delay'), host: z.string(), ms: z.int().min(1) });

/** An upload was created. Written before its first part is sent. */
const begun = checkpoint.extend({
  row: z.literal('checkpoint'),
  index: z.int().min(0),
  /** For whoever shows the progress of the file. */
  line: z.int().min(1).optional(),
  restarts: z.int().min(0),
});

/** The store confirmed a part of it. */
const part = uploadedPart.extend({ row: z.literal('part'), index: z.int().min(0), upload: z.string() });

/** How far the digests of an item have come that must be read in order. */
const digests = digestState.extend({ row: z.literal('digests'), index: z.int().min(0), upload: z.string() });

/** The upload is given up, and nobody goes on with it. */
const dropped = z.strictObject({
  row: z.literal('dropped'),
  index: z.int().min(0),
  upload: z.string(),
  /** So often the item began again because its source was another one. */
  restarts: z.int().min(0),
  /** The source takes no ranges after all: the item is never resumed again. */
  whole: z.boolean().optional(),
});

const ended = z.strictObject({
  row: z.literal('ended'),
  at: z.int(),
  ms: z.int().min(0),
  memoryBytes: z.int().min(0).optional().describe('Of the Lambda; none in-process.'),
  requests: storeRequests,
});

/** One line of `ledger/<r>/<s>/<attempt>-<seq>.jsonl`. */
export const ledgerRow = z
  .discriminatedUnion('row', [started, done, deferred, host, redirect, delay, begun, part, digests, dropped, ended])
  .meta({ id: 'ledger-row', title: 'Ledger row', description: 'What an attempt on a shard writes down.' });

export type LedgerRow = z.infer<typeof ledgerRow>;
export type OutcomeRow = Extract<LedgerRow, { row: 'outcome' }>;
export type CheckpointRow = Extract<LedgerRow, { row: 'checkpoint' | 'part' | 'digests' | 'dropped' }>;
export type HostRow = Extract<LedgerRow, { row: 'host' }>;
export type DeferredRow = Extract<LedgerRow, { row: 'deferred' }>;
