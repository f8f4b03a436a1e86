import { z } from 'zod';
import { copySource, itemState } from '../contract/work.ts';
import type { OutcomeCounts } from '../ledger/count-outcomes.ts';
import { encodeLine, getJson, getLines, putJson, putLines } from '../ledger/json-lines.ts';
import { roundOfStatusKey, runKeys } from '../ledger/run-keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { hostTrouble } from './host-trouble.ts';

/**
 * Where a run stands at the beginning of a round: how many lines, and what is left of them. What is done stands in the
 * outcomes of the rounds. `status.json` is written last, so that a half-written status does not count.
 */
const status = z.strictObject({
  round: z.int().min(0),
  /** Lines of the list that are items, good or bad. */
  items: z.int().min(0),
  left: z.int().min(0),
  failed: z.int().min(0),
  skipped: z.int().min(0),
  /** Behind `limit`, good or bad: neither left nor failed, nobody takes them up. */
  untried: z.int().min(1).optional(),
  bytes: z.int().min(0),
  /** Of all attempts so far, for the cost. */
  spent: z.strictObject({ put: z.int(), get: z.int(), gigabyteSeconds: z.number(), invocations: z.int() }),
  /** Rounds in a row that left no row behind. */
  idleRounds: z.int().min(0),
  /** Estimate of the events in the execution's history; past 25,000 Step Functions ends it. */
  historyEvents: z.int().min(0),
  /** Epoch milliseconds up to which an attempt without an end may be at work; 0: none can. */
  busyUntil: z.int().min(0).default(0),
  manifestEtag: z.string(),
  /** Hosts that refused when they were asked last. */
  hosts: z.array(hostTrouble).optional(),
  /** The limit that ended the run here, in words. */
  limit: z.string().optional(),
  /** Where hosts were seen to redirect to. One more than count for a host says that it leads anywhere. */
  leads: z.record(z.string(), z.array(z.string()).readonly()).optional(),
  /** Hosts whose robots.txt wants so many milliseconds between two requests. */
  delays: z.array(z.strictObject({ host: z.string(), ms: z.int().min(1) })).optional(),
  /** Items of the list go through the user's own code. */
  usesModule: z.boolean().optional(),
});
export type Status = z.infer<typeof status>;

/** What is left of one item, a few bytes; the item itself stands in its chunk. */
const left = itemState.extend({
  index: z.int().min(0),
  line: z.int().min(1),
  host: z.string(),
  bytes: z.int().min(0).optional(),
  attempts: z.int().min(0),
  /** Epoch milliseconds of the first attempt. */
  since: z.int().optional(),
  /** Epoch milliseconds; 0: any time. */
  notBefore: z.int().min(0),
  /** Attempts on its shard that never ended. */
  crashes: z.int().min(0),
  /** Most items its next shard may hold: halved by crashes, 1 for what needs an invocation of its own. */
  most: z.int().min(1).optional(),
  /** The host behind a redirect that it was last put off by. */
  behind: z.string().optional(),
  /** It did not fit into what was left of an invocation. */
  alone: z.boolean().optional(),
  /** Position of the first line that asks for the same: nobody takes this one up before that one is done. */
  waitsFor: z.int().min(0).optional(),
  copyOf: copySource.optional(),
});
export type Left = z.infer<typeof left>;

type Plain = Pick<Left, 'index' | 'line' | 'host' | 'attempts' | 'notBefore' | 'crashes'>;

/** As a literal, which most of them are: of a million, each would take twice as much when it is put together of several. */
export function makeLeft(
  { index, line, host, attempts, notBefore, crashes }: Plain,
  bytes: number | undefined,
  more: Omit<Left, keyof Plain | 'bytes'> = {},
): Left {
  const made: Left =
    bytes === undefined
      ? { index, line, host, attempts, notBefore, crashes }
      : { index, line, host, bytes, attempts, notBefore, crashes };
  return Object.keys(more).length === 0 ? made : { ...made, ...more };
}

/** What is done by now; what stands behind a limit is neither. */
export function countsOf({ items, left, failed, skipped, untried = 0 }: Status): OutcomeCounts {
  return { stored: items - left - failed - skipped - untried, skipped, failed };
}

export async function readStatus(store: ObjectStore, run: string, round: number): Promise<Status | undefined> {
  const found = await getJson(store, runKeys(run).status(round));
  return found === undefined ? undefined : status.parse(found);
}

/** The newest round that has a whole status. */
export async function newestStatus(store: ObjectStore, run: string): Promise<Status | undefined> {
  let newest: number | undefined;
  for await (const { key } of store.list(runKeys(run).statusPrefix)) {
    // The largest, not the last: from 10,000 on names do not sort as numbers.
    newest = Math.max(newest ?? 0, roundOfStatusKey(key) ?? 0);
  }
  return newest === undefined ? undefined : readStatus(store, run, newest);
}

export async function readLeft(store: ObjectStore, run: string, round: number): Promise<Left[]> {
  const found: Left[] = [];
  const hosts = new Map<string, string>();
  for await (const row of getLines(store, runKeys(run).left(round))) {
    const { index, line, host: read, bytes, attempts, notBefore, crashes, ...more } = left.parse(row);
    // The same string for the same host, of which there may be a million.
    const host = hosts.get(read) ?? read;
    hosts.set(host, host);
    found.push(makeLeft({ index, line, host, attempts, notBefore, crashes }, bytes, more));
  }
  return found;
}

export async function writeStatus(store: ObjectStore, run: string, next: Status, stillLeft: Iterable<Left>) {
  const keys = runKeys(run);
  const any = { condition: { kind: 'any' } } as const;
  // States of digests hold a few bytes of the data.
  await putLines(store, keys.left(next.round), encoded(stillLeft), { ...any, sealed: true });
  await putJson(store, keys.status(next.round), next, any);
}

/** Why the run ends at this status, whose lines stand already. */
export async function noteLimit(store: ObjectStore, run: string, status: Status, limit: string): Promise<void> {
  if (status.limit === limit) return;
  await putJson(store, runKeys(run).status(status.round), { ...status, limit }, { condition: { kind: 'any' } });
}

function* encoded(rows: Iterable<Left>): Iterable<string> {
  for (const row of rows) yield encodeLine(row);
}
