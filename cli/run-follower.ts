import { z } from 'zod';
import { type LedgerRow, ledgerRow } from '../lib/contract/ledger-row.ts';
import { shard } from '../lib/contract/machine.ts';
import { getJson, getLines } from '../lib/ledger/json-lines.ts';
import { runKeys } from '../lib/ledger/run-keys.ts';
import { decideNext } from '../lib/plan/decide-next.ts';
import { refusing } from '../lib/plan/host-trouble.ts';
import { countsOf, newestStatus, readLeft, readStatus, type Status } from '../lib/plan/status.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { LineSet } from './line-set.ts';
import type { ShownEvent } from './shown-event.ts';

/**
 * What goes on in a run, read from its state: the status of each round, and the ledger as it grows. Every poll reads what
 * is new, and no ledger object twice. A round that is over sets the counts right, so what two attempts both reported is
 * counted once.
 */
/** A longer list of what is left is not read for the sake of a waiting time. */
const MOST_LEFT = 20_000;
const READ_AT_ONCE = 8;
const shards = z.array(shard);

export class RunFollower {
  readonly #state: ObjectStore;
  readonly #run: string;
  readonly #now: () => number;
  #status: Status | undefined;
  #isLaidOut = false;
  /** Large files under way, by their upload. */
  readonly #open = new Map<string, { line: number | undefined; bytes: number; totalBytes: number }>();
  #seen = new Set<string>();
  #ended = new LineSet();

  constructor(state: ObjectStore, run: string, now: () => number) {
    this.#state = state;
    this.#run = run;
    this.#now = now;
  }

  /** What has happened since the last poll. */
  async *poll(): AsyncIterable<ShownEvent> {
    if (!this.#status) {
      const newest = await newestStatus(this.#state, this.#run);
      if (!newest) return;
      yield* this.#begin(newest);
    }
    for (;;) {
      // In this order: once there is a status of the next round, this one's ledger is whole.
      const next: Status | undefined = await readStatus(this.#state, this.#run, (this.#status?.round ?? 0) + 1);
      yield* this.#readRound();
      if (!next) return;
      yield* this.#begin(next);
    }
  }

  async *#begin(status: Status): AsyncIterable<ShownEvent> {
    this.#status = status;
    this.#isLaidOut = false;
    this.#seen = new Set();
    this.#ended = new LineSet();
    yield positionOf(this.#run, status);
    if (status.left === 0 || status.left > MOST_LEFT) return;
    const left = await readLeft(this.#state, this.#run, status.round);
    const next = decideNext({ left, now: this.#now(), startedAt: this.#now(), maxHours: Number.POSITIVE_INFINITY });
    if (next.step === 'wait') {
      yield { event: 'run.waiting', run: this.#run, seconds: next.seconds, ...refusing(status.hosts) };
    }
  }

  async *#readRound(): AsyncIterable<ShownEvent> {
    const round = this.#status?.round ?? 0;
    const keys = runKeys(this.#run);
    if (!this.#isLaidOut) {
      const found = await getJson(this.#state, keys.shards(round));
      if (found === undefined) return;
      const laidOut = shards.parse(found);
      const items = laidOut.reduce((sum, one) => sum + one.items, 0);
      this.#isLaidOut = true;
      yield { event: 'run.planned', run: this.#run, round, items, shards: laidOut.length };
    }
    let batch: string[] = [];
    for await (const { key } of this.#state.list(keys.ledgerPrefix(round))) {
      if (this.#seen.has(key)) continue;
      batch.push(key);
      if (batch.length < READ_AT_ONCE) continue;
      yield* this.#read(batch);
      batch = [];
    }
    yield* this.#read(batch);
  }

  async *#read(keys: readonly string[]): AsyncIterable<ShownEvent> {
    const pages = await Promise.all(keys.map((key) => readRows(this.#state, key)));
    for (const key of keys) this.#seen.add(key);
    for (const row of pages.flat()) {
      const event = this.#eventOf(row);
      if (event) yield event;
    }
  }

  #eventOf(row: LedgerRow): ShownEvent | undefined {
    switch (row.row) {
      case 'outcome': {
        if (!this.#ended.add(row.index)) return undefined;
        const { row: _row, index: _index, ...outcome } = row;
        return { event: 'item.ended', index: row.index, outcome };
      }
      case 'deferred': {
        const { line, error, notBefore = 0 } = row;
        if (error === undefined) return undefined;
        return { event: 'item.retrying', line, index: row.index, error, afterMs: Math.max(0, notBefore - this.#now()) };
      }
      case 'checkpoint':
        this.#open.set(row.upload, { line: row.line, bytes: 0, totalBytes: row.version.bytes });
        return undefined;
      case 'part': {
        const open = this.#open.get(row.upload);
        if (open?.line === undefined) return undefined;
        open.bytes += row.bytes;
        const { line, bytes, totalBytes } = open;
        return { event: 'item.progress', line, index: row.index, bytes, totalBytes };
      }
      case 'dropped':
        this.#open.delete(row.upload);
        return undefined;
      case 'digests':
      case 'host':
      case 'redirect':
      case 'delay':
      case 'started':
      case 'ended':
        return undefined;
    }
  }
}

async function readRows(state: ObjectStore, key: string): Promise<LedgerRow[]> {
  const rows: LedgerRow[] = [];
  for await (const line of getLines(state, key)) rows.push(ledgerRow.parse(line));
  return rows;
}

function positionOf(run: string, status: Status): ShownEvent {
  const { round, left, bytes } = status;
  return { event: 'run.position', run, round, counts: countsOf(status), left, bytes };
}
