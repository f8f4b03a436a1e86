import { setImmediate as breathe } from 'node:timers/promises';
import type { HostRow } from '../../lib/contract/ledger-row.ts';
import { flushIntervalMs } from '../../lib/ledger/ledger-writer.ts';
import { HostCircuits } from '../../lib/transfer/host-circuit.ts';
import { throttlePauseMs } from './aws.ts';
import { LaneWork, type Shard, type Slot } from './lane-work.ts';
import type { OpenUpload } from './open-upload.ts';
import { StoreClient } from './store-client.ts';
import type { System } from './system.ts';

export type Range = { readonly first: number; readonly last: number };

export interface RoundPlan {
  readonly shards: readonly (readonly (readonly number[])[])[];
  readonly itemAt: (position: number) => number;
  readonly partsAt: (position: number) => Range | undefined;
  /** Hosts that refused when they were asked last: one refusal more is enough. */
  readonly troubled: ReadonlySet<string>;
  /** Workers at once, and lanes at once in each. */
  readonly concurrency: number;
  readonly slots: number;
  readonly memoryMegabytes: number;
  readonly roundEndsAt: number;
  readonly maxAttempts: number;
  readonly state: RunState;
}

/** What rounds hand to each other. */
export interface RunState {
  readonly attempts: Uint8Array;
  readonly notBefore: Float64Array;
  readonly hostUntil: Float64Array;
  readonly uploads: Map<number, OpenUpload>;
  /** Of the round under way: hosts that were parked, and hosts that answered. */
  readonly refused: Map<string, HostRow>;
  readonly answered: Set<string>;
}

/** An invocation gives itself up so long after its start (15 minutes less the reserve); the next one goes on. */
const INVOCATION_MS = 870_000;
/** Start of a child, Transfer, TransferNext, TransferDone; of a `continue` the middle two. */
const TRANSITIONS_PER_SHARD = 4;
const TRANSITIONS_PER_INVOCATION = 2;
/** Of an attempt beside its flushes: rows `started` and `ended`; the shard, the ledger so far, the stop marker. */
const PUTS_PER_INVOCATION = 2;
const GETS_PER_INVOCATION = 3;
const EVENTS_PER_BREATH = 2 ** 20;

/** One fan-out: shards on workers, lanes on slots, until the last worker has returned. */
export class Round {
  readonly #system: System;
  readonly #plan: RoundPlan;
  readonly #work: LaneWork;
  readonly #waiting: Iterator<readonly (readonly number[])[]>;
  readonly #flushMs: number;
  /** Events that are not of a slot carry minus the number of a shard. */
  readonly #starting = new Map<number, Shard>();
  readonly #slots: (Slot | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  #running = 0;
  #started = 0;

  constructor(system: System, plan: RoundPlan) {
    this.#system = system;
    this.#plan = plan;
    this.#work = new LaneWork(system, plan);
    this.#waiting = plan.shards[Symbol.iterator]();
    this.#flushMs = flushIntervalMs(Math.max(1, plan.shards.length));
  }

  /** Resolves with the time at which it is over, milliseconds. */
  async play(): Promise<number> {
    const { queue } = this.#system;
    this.#startShards();
    for (let events = 1; ; events += 1) {
      const event = queue.take();
      if (event === undefined) return queue.now;
      if (event < 0) this.#invoke(event);
      else this.#step(event);
      // The circuits of the engine leave settled promises behind.
      if (events % EVENTS_PER_BREATH === 0) await breathe();
    }
  }

  #startShards(): void {
    const { queue, transitions, ledger } = this.#system;
    while (this.#running < this.#plan.concurrency) {
      const next = this.#waiting.next();
      if (next.done) return;
      this.#running += 1;
      this.#started += 1;
      this.#starting.set(-this.#started, this.#shardOf(next.value));
      ledger.bill.transitions += TRANSITIONS_PER_SHARD;
      queue.push(transitions.take(queue.now, TRANSITIONS_PER_SHARD), -this.#started);
    }
  }

  #shardOf(lanes: Shard['lanes']): Shard {
    const { queue, random } = this.#system;
    const { refused } = this.#plan.state;
    const circuits = new HostCircuits({
      now: () => queue.now,
      random: random.next,
      signal: new AbortController().signal,
      record: (row) => {
        if (row.notBefore > (refused.get(row.host)?.notBefore ?? 0)) refused.set(row.host, row);
      },
    });
    const store = new StoreClient();
    return {
      lanes,
      nextLane: 0,
      slots: 0,
      begun: 0,
      startedAt: 0,
      refusals: 0,
      cpuFreeAt: 0,
      store,
      circuits,
      pausedUntil: new Map(),
    };
  }

  #invoke(number: number): void {
    const { queue, environments, random, ledger } = this.#system;
    const shard = this.#starting.get(number);
    if (!shard) throw new Error(`no shard ${number}`);
    const startMs = environments.start(queue.now);
    if (startMs === undefined) {
      shard.refusals += 1;
      ledger.bill.transitions += 1;
      queue.push(queue.now + throttlePauseMs(shard.refusals, random), number);
      return;
    }
    this.#starting.delete(number);
    shard.startedAt = queue.now;
    shard.slots = Math.min(this.#plan.slots, shard.lanes.length);
    for (let count = 0; count < shard.slots; count += 1) {
      const id = this.#freeSlots.pop() ?? this.#slots.length;
      this.#slots[id] = this.#work.slotOf(shard);
      queue.push(queue.now + startMs, id);
    }
  }

  #step(id: number): void {
    const slot = this.#slots[id];
    if (!slot) throw new Error(`no slot ${id}`);
    const next = this.#work.step(slot);
    if (next !== undefined) {
      this.#system.queue.push(next, id);
      return;
    }
    this.#slots[id] = undefined;
    this.#freeSlots.push(id);
    slot.shard.slots -= 1;
    if (slot.shard.slots === 0) this.#end(slot.shard);
  }

  #end(shard: Shard): void {
    const { queue, environments, ledger } = this.#system;
    const ms = queue.now - shard.startedAt;
    const invocations = 1 + Math.floor(ms / INVOCATION_MS);
    shard.circuits.close();
    ledger.work(ms, this.#plan.memoryMegabytes);
    ledger.bill.invocations += invocations;
    ledger.bill.transitions += (invocations - 1) * TRANSITIONS_PER_INVOCATION;
    ledger.bill.put += invocations * PUTS_PER_INVOCATION + Math.floor(ms / this.#flushMs);
    ledger.bill.get += invocations * GETS_PER_INVOCATION + Math.floor(ms / this.#flushMs);
    environments.end();
    this.#running -= 1;
    this.#startShards();
  }
}
