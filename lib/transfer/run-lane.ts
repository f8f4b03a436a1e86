import type { ItemWork } from '../contract/work.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import type { SourceClient } from '../source/source.ts';
import type { HostCircuits } from './host-circuit.ts';
import { ItemTransfer } from './item-transfer.ts';
import { sleepUntilStopped } from './lane-pace.ts';
import { defer, end, fail, interrupted, refused, type Working } from './settle-item.ts';
import type { ShardRun } from './shard-run.ts';
import { Tries } from './tries.ts';

const PROGRESS_MS = 250;

/** One lane at work: its connection, and the host that its item asked last, the final one behind redirects; '': none yet. */
interface Lane {
  readonly client: SourceClient;
  readonly asked: { host: string };
}

/** As `Left` knows it: with its port. */
export function hostOf({ item }: Pick<ItemWork, 'item'>): string {
  return new URL(item.url).host;
}

/**
 * Takes the items of a lane one after another, on one connection, until they are done or time is up. Items of a host that
 * is parked are passed over: a later round has them.
 */
export async function runLane(lane: readonly ItemWork[], shard: ShardRun): Promise<void> {
  const asked = { host: '' };
  const { politeness } = shard;
  const pace = politeness.lanePace(lane, hostOf);
  let from = '';
  const client = shard.openClient(async ({ host }, delayMs, signal) => {
    asked.host = host;
    politeness.wasLed(from, host);
    politeness.wants(host, delayMs);
    await takeTurn(host, shard.hosts, () => pace.mayAsk(host, delayMs, signal));
  });
  try {
    for (const work of lane) {
      if (shard.isOver() || (work.alone && shard.begun > 0)) return;
      from = hostOf(work);
      // What is copied asks its host only when that cannot be.
      if (!work.copyOf) {
        if (shard.hosts.isParked(from)) continue;
        await pace.beReady(from);
      }
      if (shard.isOver()) return;
      shard.begun += 1;
      const goesOn = await workOn(work, { client, asked }, shard);
      if (!goesOn) return;
    }
  } finally {
    await client.close();
  }
}

/** Until pauses and pace agree: a pause may begin while the pace is waited for. What was waited for then is not used. */
export async function takeTurn(
  host: string,
  hosts: Pick<HostCircuits, 'mayAsk' | 'mustWait'>,
  waitForPace: () => Promise<void>,
): Promise<void> {
  do {
    await hosts.mayAsk(host);
    await waitForPace();
  } while (hosts.mustWait(host));
}

/** One item to its outcome, or to a later round. False: the lane stops here. */
async function workOn(work: ItemWork, { client, asked }: Lane, shard: ShardRun): Promise<boolean> {
  const { context, options } = shard;
  const since = work.since ?? context.now();
  const tries = new Tries({
    failed: work.attempts,
    resumes: work.resumes ?? 0,
    maxAttempts: options.attempts,
    random: context.random,
    onFailure: (error) => shard.hosts.failed(asked.host, error, { index: work.index, isProbe: work.probe === true }),
  });
  asked.host = '';
  const timer = new AbortController();
  const timeout = startTimeout(work, shard, since, timer);
  const transfer = new ItemTransfer({
    run: shard.mark,
    work,
    options,
    destination: shard.destination,
    absent: shard.absent,
    client,
    secrets: shard.secrets,
    pool: shard.pool,
    tries,
    signal: AbortSignal.any([shard.stop.signal, timer.signal]),
    halt: AbortSignal.any([shard.halt, timer.signal]),
    leave: { isDue: () => context.now() >= shard.roundEndsAt, signal: shard.leave },
    time: shard.time,
    now: context.now,
    record: shard.record,
    flush: shard.flush,
    pause: (ms) => sleepUntilStopped(ms, shard.stop.signal),
    onBytes: progressOf(work, shard),
    userModule: context.userModule,
    log: (message) => context.emit({ event: 'item.log', line: work.line, message }),
  });
  context.emit({
    event: 'item.started',
    line: work.line,
    index: work.index,
    url: redactUrl(work.item.url),
    key: work.key,
  });
  try {
    return await workUntilSettled({ work, shard, transfer, tries, since }, asked);
  } finally {
    clearTimeout(timeout);
  }
}

async function workUntilSettled(working: Working, asked: Lane['asked']): Promise<boolean> {
  const { work, shard, tries } = working;
  const { context, stop, hosts } = shard;
  // A name that does not exist costs not even a look at the destination any more.
  for (let known = work.copyOf ? undefined : hosts.refusalOf(hostOf(work)); ; known = undefined) {
    const error = known ?? (await attempt(working));
    if (!error) {
      hosts.answered(asked.host);
      return true;
    }
    if (stop.signal.aborted || error.name === 'Interrupted') return interrupted(working);
    // Refused again in a later round, while the run went on: then it is this item's own matter.
    if (error.entry.scope === 'run' && work.attempts === 0) return refused(working, error);

    const decision = tries.decide(error);
    switch (decision.action) {
      case 'fail':
        await fail(working, error);
        return true;
      case 'defer': {
        const host = decision.parkHost ? { host: asked.host || hostOf(work) } : {};
        defer(working, { error, notBefore: Math.round(context.now() + decision.afterMs), ...host });
        return true;
      }
      case 'retry':
        context.emit({
          event: 'item.retrying',
          line: work.line,
          index: work.index,
          error: error.name,
          afterMs: decision.afterMs,
        });
        await sleepUntilStopped(decision.afterMs, stop.signal);
        if (stop.signal.aborted) return interrupted(working);
    }
  }
}

async function attempt(working: Working): Promise<SkyhaulError | undefined> {
  try {
    const result = await working.transfer.attempt();
    if (result) end(working, result);
    else working.shard.settled.add(working.work);
    return undefined;
  } catch (error) {
    return toSkyhaulError(error);
  }
}

function startTimeout(work: ItemWork, { context, options }: ShardRun, since: number, timer: AbortController) {
  const timeoutMs = work.item.timeoutMs ?? options.timeoutMs;
  if (timeoutMs === undefined) return undefined;
  const error = new SkyhaulError('ItemTimeout', `not done after ${timeoutMs} ms`);
  return setTimeout(() => timer.abort(error), Math.max(0, since + timeoutMs - context.now()));
}

function progressOf(work: ItemWork, { context }: ShardRun) {
  let shownAt = context.now();
  return (bytes: number, totalBytes: number | undefined) => {
    const now = context.now();
    if (now - shownAt < PROGRESS_MS) return;
    shownAt = now;
    context.emit({ event: 'item.progress', line: work.line, index: work.index, bytes, totalBytes });
  };
}
