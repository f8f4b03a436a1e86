import { MiB } from '../contract/limits.ts';
import type { TransferAnswer, TransferEvent } from '../contract/machine.ts';
import { type ItemWork, itemWork, type ShardHeader, shardHeader } from '../contract/work.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { foldShard } from '../ledger/fold-shard.ts';
import { getLines } from '../ledger/json-lines.ts';
import { flushIntervalMs, LedgerWriter } from '../ledger/ledger-writer.ts';
import { readShardLedger } from '../ledger/read-ledger.ts';
import { runKeys } from '../ledger/run-keys.ts';
import { isStopped } from '../ledger/stop-marker.ts';
import type { RunContext } from '../run-context.ts';
import { createSourceClient } from '../source/undici-client.ts';
import { BufferPool } from './buffer-pool.ts';
import { USUAL_PART_BYTES } from './part-plan.ts';
import { runLane, type ShardRun } from './run-lane.ts';

/** Before the deadline: time to abort uploads and to write the ledger. */
const RESERVE_MS = 30_000;
/** What Node, the SDK and sockets take of a Lambda's memory. */
const BASE_BYTES = 160 * MiB;
const MAX_SLOTS = 64;
const STOPPED = 'the run was stopped';
const USER_AGENT = 'skyhaul/0.1 (+https://github.com/skyhaul/skyhaul)';

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
  const done = foldShard(await readShardLedger(context.state, event.run, address));
  // Another attempt on this shard may still hold connections to its hosts. The next Plan knows when it cannot.
  if (done.busyUntil > context.now()) return { ...event, next: 'done' };

  const { header, lanes } = await readShard(
    context,
    event,
    (work) => !done.outcomes.has(work.index) && !done.deferred.has(work.index),
  );
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
  /** Items that this attempt brought to an outcome or put off. */
  const settled = new Set<number>();
  const releases: (() => void)[] = [];
  try {
    const { bufferBytes, slots } = memoryBudget(context.memoryBytes, context.inProcess);
    const shard: ShardRun = {
      context,
      mark: `${event.run}@${header.startedAt}`,
      options: header.options,
      destination,
      pool: new BufferPool(bufferBytes),
      stop,
      // One item at least, however late the shard comes to it: else a round could end without a step forward.
      isOver: () => stop.signal.aborted || (shard.begun > 0 && context.now() >= header.roundEndsAt),
      record(row) {
        if ('index' in row) settled.add(row.index);
        ledger.append(row);
      },
      openClient: () =>
        createSourceClient({
          policy: { ...header.options, userAgent: header.options.request?.userAgent ?? USER_AGENT },
          allowNetworks: context.allowNetworks,
          now: context.now,
        }),
      begun: 0,
      isCut: false,
    };
    releases.push(stopWhenTimeIsUp(shard));
    releases.push(await stopWhenAsked(shard, event, header.shards));
    await runLanes(lanes, header.options.slots ?? slots, shard);
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
    await ledger.close();
  }
  const isLeft = lanes.some((lane) => lane.some(({ index }) => !settled.has(index)));
  return { ...event, next: isLeft && mayContinue(context, header) ? 'continue' : 'done' };
}

/** Whether a fresh invocation of this round can take up at once what is left. */
function mayContinue(context: RunContext, { roundEndsAt }: ShardHeader): boolean {
  return !context.inProcess && !context.signal.aborted && context.now() < roundEndsAt;
}

/** Looks for the marker now, after the row that says we began, and then as often as the ledger is written. */
async function stopWhenAsked({ context, stop }: ShardRun, event: TransferEvent, shards: number) {
  // In-process the signal says so at once.
  if (context.inProcess) return () => undefined;
  const look = async () => {
    if (await isStopped(context.state, event.run, event.round)) stop.abort(new SkyhaulError('Interrupted', STOPPED));
  };
  await look();
  const timer = setInterval(() => void look().catch(() => undefined), flushIntervalMs(shards));
  return () => clearInterval(timer);
}

async function readShard(context: RunContext, event: TransferEvent, isOpen: (work: ItemWork) => boolean) {
  const key = runKeys(event.run).shard({ round: event.round, shard: event.shard.shard });
  let header: ShardHeader | undefined;
  const lanes = new Map<number, ItemWork[]>();
  for await (const line of getLines(context.state, key)) {
    if (!header) {
      header = shardHeader.parse(line);
      continue;
    }
    const work = itemWork.parse(line);
    if (!isOpen(work)) continue;
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
