import type { Item } from '../contract/item.ts';
import type { OutcomeRow } from '../contract/ledger-row.ts';
import { overlayRequest, withoutAsker } from '../contract/merge-options.ts';
import type { Options } from '../contract/options.ts';
import type { Outcome } from '../contract/outcome.ts';
import type { RequestOptions } from '../contract/request.ts';
import { toldOfLine } from '../contract/tell-outcome.ts';
import { type Listed, listed } from '../contract/work.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { getLines } from '../ledger/json-lines.ts';
import { outcomeKeysByChunk, readOutcomes } from '../ledger/outcome-chunks.ts';
import { CHUNK_LINES, runKeys } from '../ledger/run-keys.ts';
import type { ObjectStore } from '../store/object-store.ts';

export interface ReportLine {
  readonly outcome: Outcome;
  /** The line as it was asked for; none for a bad line. */
  readonly listed: Listed | undefined;
}

export type Unfinished = Required<Pick<Outcome, 'error' | 'message'>>;

/** What is said of lines without an outcome, and by index how often those were tried that were. */
export interface LeftLines extends Unfinished {
  readonly attempts: ReadonlyMap<number, number>;
  /** Another word for those from this index on, which nobody was to try. */
  readonly behind?: Unfinished & { readonly from: number };
}

/**
 * Every line of the list with its one outcome, in the order of the list, one chunk in memory at a time. A line without an
 * outcome is one that the run did not get to.
 */
export async function* reportLines(
  store: ObjectStore,
  run: string,
  { items, round }: { readonly items: number; readonly round: number },
  left: LeftLines,
): AsyncIterable<ReportLine> {
  const outcomeKeys = await outcomeKeysByChunk(store, run, round);
  for (let chunk = 0; chunk * CHUNK_LINES < items; chunk += 1) {
    const outcomes = await readOutcomes(store, outcomeKeys.get(chunk) ?? []);
    const asked = await readChunk(store, run, chunk);
    const end = Math.min(items, (chunk + 1) * CHUNK_LINES);
    for (let index = chunk * CHUNK_LINES; index < end; index += 1) {
      const line = reportLine(outcomes.get(index), asked.get(index), left);
      if (line) yield line;
    }
  }
}

async function readChunk(store: ObjectStore, run: string, chunk: number): Promise<Map<number, Listed>> {
  const asked = new Map<number, Listed>();
  for await (const line of getLines(store, runKeys(run).items(chunk))) {
    const item = listed.parse(line);
    asked.set(item.index, item);
  }
  return asked;
}

function reportLine(
  row: OutcomeRow | undefined,
  asked: Listed | undefined,
  { attempts, behind, error, message }: LeftLines,
): ReportLine | undefined {
  if (row) {
    const { row: _row, index: _index, ...outcome } = row;
    return {
      outcome: asked ? { ...toldOfLine(asked), ...outcome, url: redactUrl(asked.item.url) } : outcome,
      listed: asked,
    };
  }
  if (!asked) return undefined;
  const why = behind && asked.index >= behind.from ? behind : { error, message };
  return {
    outcome: {
      ...toldOfLine(asked),
      outcome: 'failed',
      error: why.error,
      message: why.message,
      attempts: attempts.get(asked.index) ?? 0,
    },
    listed: asked,
  };
}

/**
 * A line of `failed.jsonl`: the item as it was asked for, with what went wrong. Request and transforms of the batch become
 * its own, since without them the same line would make another object. The list is sealed: it may hold credentials.
 */
export function failedLine(
  { listed: asked, outcome }: ReportLine,
  { transform, request }: Pick<Options, 'transform' | 'request'>,
): object | undefined {
  if (!asked || outcome.outcome !== 'failed') return undefined;
  const { error: _, ...item } = asked.item;
  const message = outcome.message?.slice(0, MAX_MESSAGE);
  return {
    // What is only asked for its headers goes through nothing.
    ...(transform && item.result !== 'head' && { transform }),
    ...item,
    ...(request && { request: requestOf(request, item) }),
    key: asked.key,
    error: { name: outcome.error ?? 'Unexpected', ...(message !== undefined && { message }) },
  };
}

/** Characters; a stack is longer than a line of a list should be. */
const MAX_MESSAGE = 2_000;

/** What the batch says of every line, under what this one says. */
function requestOf(ofBatch: RequestOptions, { auth, headers, request }: Item): RequestOptions {
  const own = { auth: auth ?? request?.auth, headers: { ...request?.headers, ...headers } };
  return overlayRequest(withoutAsker(ofBatch, own), request);
}
