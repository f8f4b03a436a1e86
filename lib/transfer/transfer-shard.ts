import { MiB } from '../contract/limits.ts';
import type { TransferAnswer, TransferEvent } from '../contract/machine.ts';
import { type ItemWork, itemWork, type ShardHeader, shardHeader } from '../contract/work.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { foldCheckpoints } from '../ledger/fold-checkpoints.ts';
import { foldShard, type ShardFold } from '../ledger/fold-shard.ts';
import { getLines, putJson } from '../ledger/json-lines.ts';
import { flushIntervalMs, LedgerWriter } from '../ledger/ledger-writer.ts';
import { readShardLedger } from '../ledger/read-ledger.ts';
import { runKeys } from '../ledger/run-keys.ts';
import { isStopped } from '../ledger/stop-marker.ts';
import type { RunContext } from '../run-context.ts';
import { Robots } from '../source/robots.ts';
import { createSourceClient } from '../source/source-client.ts';
import { userAgentOf } from '../source/user-agent.ts';
import { USUAL_PART_BYTES } from '../store/part-plan.ts';
import { BufferPool } from './buffer-pool.ts';
import { HostCircuits } from './host-circuit.ts';
import { Politeness } from './politeness.ts';
import { hostOf, runLane } from './run-lane.ts';
import { Secrets } from './secrets.ts';
import type { ShardRun } from './shard-run.ts';
import { Tally } from './tally.ts';
import { listTargets } from './target-look.ts';

/** Before the deadline: time to send what is full, to abort uploads and to write the ledger. */
const RESERVE_MS = 30_000;
/** Of it, for parts that are on their way. */
const HALT_MS = 15_000;
/** Past its end a round waits so long for a part to be whole. */
const LEAVE_MS = 60_000;
/** What Node, the SDK and sockets take of a Lambda's memory. */
const BASE_BYTES = 160 * MiB;
const MAX_SLOTS = 64;
const STOPPED = 'the run was stopped';

/** Bytes of part buffers and lanes at once for an invocation of this size. In-process the memory is all for buffers. */
export function memoryBudget(memoryBytes: number, inProcess: boolean): { bufferBytes: number; slots: number } {
  const bufferBytes = Math.max(2 * USUAL_PART_BYTES, memoryBytes - (inProcess ? 0 : BASE_BYTES));
  return { bufferBytes, slots: Math.min(MAX_SLOTS, Math.floor(bufferBytes / (2 * USUAL_PART_BYTES))) };
}

/**
 * One attempt on one shard: its lanes side by side until they are done, the round is over, or the time is up. What it did
 * stands in the ledger before it answers; every upload it opened is complete or aborted, every socket closed.
 */
export async function transferShard(event: TransferEvent, context: RunContext): Promise<TransferAnswer> {
  const address = { round: event.round, shard: event.shard.shard };
  const earlier = await readShardLedger(context.state, event.run, address);
  const done = foldShard(earlier);
  // Another attempt on this shard may still hold connections to its hosts. The next Plan knows when it cannot.
  if (done.busyUntil > context.now()) return { ...event, next: 'done' };

  const { header, lanes } = await readShard(context, event, done);
  const ledger = new LedgerWriter(
    context.state,
    event.run,
    { ...address, attempt: context.attempt },
    flushIntervalMs(header.shards),
  );
  const startedAt = context.now();
  const livesUntil = context.deadline === undefined ? undefined : Math.ceil(context.deadline);
  ledger.append({ row: 'started', at: startedAt, ...(livesUntil !== undefined && { livesUntil }) });
  await ledger.flush();

  const destination = context.openDestination(header.to);
  const stop = new AbortController();
  const halt = new AbortController();
  const leave = new AbortController();
  const settled = new Set<ItemWork>();
  const releases: (() => void)[] = [];
  const hosts = new HostCircuits({
    now: context.now,
    random: context.random,
    signal: stop.signal,
    record: (row) => ledger.append(row),
  });
  hosts.restore(done.hosts?.values() ?? []);
  const { limits = {} } = header;
  const tally = tallyOf(context, event, done);
  let isFull = false;
  let saying: Promise<void> | undefined;
  let isGivenUp = false;
  try {
    const budget = memoryBudget(context.memoryBytes, context.inProcess);
    const { bufferBytes } = budget;
    const politeness = new Politeness({
      header,
      isFresh: event.round === 0 && earlier.length === 0,
      now: context.now,
      signal: stop.signal,
      record: (row) => ledger.append(row),
      turns: context.robots?.turns,
    });
    const isObeying = header.options.robots === true;
    const robots = isObeying ? new Robots({ now: context.now, cache: context.robots }) : undefined;
    const slots = politeness.slots(header.options.slots ?? budget.slots);
    context.emit({ event: 'attempt.started', run: event.run, ...address, slots, bufferBytes });
    const absent = listTargets(lanes, destination, context.now);
    const shard: ShardRun = {
      context,
      mark: `${event.run}@${header.startedAt}`,
      options: header.options,
      destination,
      absent,
      pool: new BufferPool(bufferBytes),
      stop,
      halt: halt.signal,
      leave: leave.signal,
      roundEndsAt: header.roundEndsAt,
      time: timeOf(context, startedAt),
      // One item at least, however late the shard comes to it: else a round could end without a step forward.
      isOver: () => stop.signal.aborted || isFull || (shard.begun > 0 && context.now() >= header.roundEndsAt),
      record: (row) => {
        ledger.append(row);
        if (row.row !== 'outcome') return;
        tally.add(row);
        isFull ||= tally.isFull(limits);
        if (!context.inProcess && tally.hasTooManyFailures(limits)) saying ??= sayFull(context, event);
      },
      flush: () => ledger.flush(),
      politeness,
      hosts,
      openClient: (mayAsk) =>
        politeness.paced(
          createSourceClient({
            mayAsk,
            robots,
            seats: politeness.seats,
            policy: { ...header.options, userAgent: userAgentOf(header.options.request) },
            allowNetworks: context.allowNetworks,
            now: context.now,
          }),
        ),
      secrets: context.vault && new Secrets(context.vault),
      begun: 0,
      isCut: false,
      settled,
    };
    releases.push(stopWhenTimeIsUp(shard), haltBehind(stop.signal, halt));
    releases.push(abortAt(leave, header.roundEndsAt + LEAVE_MS - context.now(), 'the round is over'));
    const onFull = () => {
      isFull = true;
    };
    const looks = limits.failures === undefined ? {} : { onFull };
    releases.push(
      await stopWhenAsked(shard, event, header.shards, looks),
      () => hosts.close(),
      () => absent?.end(),
    );
    isFull ||= tally.isFull(limits);
    await runLanes(lanes, slots, shard);
    // Who was stopped by anything but its own deadline leaves the rest to Plan: the next one would be stopped, too.
    isGivenUp = stop.signal.aborted && !shard.isCut;
  } finally {
    for (const release of releases) release();
    ledger.append({
      row: 'ended',
      at: context.now(),
      ms: Math.max(0, context.now() - startedAt),
      ...(!context.inProcess && { memoryBytes: context.memoryBytes }),
      requests: { ...destination.requests },
    });
    await destination.close();
    await saying;
    await ledger.close();
  }
  const isLeft = lanes.some((lane) => lane.some((work) => !settled.has(work) && !hosts.isParked(hostOf(work))));
  const goesOn = isLeft && !isGivenUp && !isFull && mayContinue(context, header);
  return { ...event, next: goesOn ? 'continue' : 'done' };
}

/** Whether a fresh invocation of this round can take up at once what is left. */
function mayContinue(context: RunContext, { roundEndsAt }: ShardHeader): boolean {
  return !context.inProcess && !context.signal.aborted && context.now() < roundEndsAt;
}

/** In-process the shards of a round count together; else this one counts what it did in this round. */
function tallyOf({ inProcess, tally: shared }: RunContext, { run, round }: TransferEvent, done: ShardFold): Tally {
  const tally = (inProcess ? shared : undefined) ?? new Tally();
  tally.begin(`${run}/${round}`);
  if (!inProcess) for (const row of done.outcomes.values()) tally.add(row);
  return tally;
}

/** For the other workers of the round, who look for it. Who does not hear of it stops by its own count. */
async function sayFull({ state }: RunContext, { run, round }: TransferEvent): Promise<void> {
  await putJson(state, runKeys(run).full(round), {}, { condition: { kind: 'any' } }).catch(() => undefined);
}

interface Looks {
  /** The run has more failures than it may have; only looked for where that is limited. */
  readonly onFull?: () => void;
}

/** Looks for the marker now, after the row that says we began, and then as often as the ledger is written. */
async function stopWhenAsked({ context, stop }: ShardRun, event: TransferEvent, shards: number, { onFull }: Looks) {
  // In-process the signal says so at once.
  if (context.inProcess) return () => undefined;
  const { state } = context;
  const look = async () => {
    if (await isStopped(state, event.run, event.round)) stop.abort(new SkyhaulError('Interrupted', STOPPED));
    if (onFull && (await state.head(runKeys(event.run).full(event.round)))) onFull();
  };
  await look();
  const timer = setInterval(() => void look().catch(() => undefined), flushIntervalMs(shards));
  return () => clearInterval(timer);
}

/** The work that is left of a shard, as earlier attempts of this round left it. */
async function readShard(context: RunContext, event: TransferEvent, done: ShardFold) {
  const key = runKeys(event.run).shard({ round: event.round, shard: event.shard.shard });
  let header: ShardHeader | undefined;
  const lanes = new Map<number, ItemWork[]>();
  for await (const line of getLines(context.state, key)) {
    if (!header) {
      header = shardHeader.parse(line);
      continue;
    }
    const planned = itemWork.parse(line);
    if (done.outcomes.has(planned.index) || done.deferred.has(planned.index)) continue;
    const { open: _, ...rest } = planned;
    const work: ItemWork = { ...rest, ...foldCheckpoints(done.checkpoints.get(planned.index) ?? [], planned) };
    // Its upload is given up: the item begins again, as one.
    if (work.kind === 'range' && work.open?.upload !== planned.open?.upload) continue;
    const lane = lanes.get(work.lane);
    if (lane) lane.push(work);
    else lanes.set(work.lane, [work]);
  }
  if (!header) throw new SkyhaulError('Unexpected', `there is no shard at ${context.state.uriOf(key)}`);
  return { header, lanes: Array.from(lanes.values()) };
}

async function runLanes(lanes: readonly (readonly ItemWork[])[], slots: number, shard: ShardRun): Promise<void> {
  const waiting = lanes.values();
  const worker = async () => {
    // The iterator is shared: each lane is taken by exactly one worker.
    for (const lane of waiting) await runLane(lane, shard);
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(slots, lanes.length) }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function stopWhenTimeIsUp(shard: ShardRun): () => void {
  const { context, stop } = shard;
  const interrupt = () => stop.abort(new SkyhaulError('Interrupted', STOPPED));
  context.signal.addEventListener('abort', interrupt, { once: true });
  if (context.signal.aborted) interrupt();
  const cut = () => {
    shard.isCut = true;
    stop.abort(new SkyhaulError('Interrupted', 'the time of this invocation is up'));
  };
  const { deadline } = context;
  const timer =
    deadline === undefined ? undefined : setTimeout(cut, Math.max(0, deadline - RESERVE_MS - context.now()));
  return () => {
    clearTimeout(timer);
    context.signal.removeEventListener('abort', interrupt);
  };
}

/** What is being sent gets some time more than what is being read. */
function haltBehind(stopped: AbortSignal, halt: AbortController): () => void {
  let release = () => {};
  const begin = () => {
    release = abortAt(halt, HALT_MS, 'the time of this invocation is up');
  };
  stopped.addEventListener('abort', begin, { once: true });
  return () => {
    stopped.removeEventListener('abort', begin);
    release();
  };
}

/** setTimeout knows no more than 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function abortAt(controller: AbortController, ms: number, why: string): () => void {
  const timer = setTimeout(
    () => controller.abort(new SkyhaulError('Interrupted', why)),
    Math.min(Math.max(0, ms), MAX_TIMER_MS),
  );
  return () => clearTimeout(timer);
}

function timeOf({ deadline, now }: RunContext, startedAt: number): ShardRun['time'] {
  if (deadline === undefined) return { leftMs: () => Number.POSITIVE_INFINITY, fullMs: Number.POSITIVE_INFINITY };
  const endsAt = deadline - RESERVE_MS;
  return { leftMs: () => endsAt - now(), fullMs: endsAt - startedAt };
}
