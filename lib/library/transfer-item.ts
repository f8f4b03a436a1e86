import type { Item } from '../contract/item.ts';
import type { Options } from '../contract/options.ts';
import type { Outcome } from '../contract/outcome.ts';
import { toldOfError, toldOfLine } from '../contract/tell-outcome.ts';
import type { ItemWork } from '../contract/work.ts';
import { type SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import type { SourceClient } from '../source/source.ts';
import type { StreamedBody } from '../source/streamed-body.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { BufferPool } from '../transfer/buffer-pool.ts';
import type { ItemResult } from '../transfer/item-job.ts';
import { ItemTransfer } from '../transfer/item-transfer.ts';
import type { Effects } from './effects.ts';
import { callbackFailure } from './listeners.ts';
import { observeClient } from './observed-client.ts';
import type { ChunkListener } from './options.ts';
import { PatientTries } from './patient-tries.ts';
import type { ProgressReporter } from './progress.ts';
import type { Stop } from './stop.ts';

/** What the items of one call share. */
export interface Session {
  /** Marks the objects of this call. */
  readonly mark: string;
  readonly options: Options;
  readonly destination: ObjectStore;
  readonly pool: BufferPool;
  readonly effects: Effects;
  readonly onChunk: ChunkListener | undefined;
}

export interface Task {
  /** From 1. */
  readonly line: number;
  readonly item: Item;
  readonly key: string;
  /** Closed when the item has ended. */
  readonly body?: StreamedBody;
  /** Where in the key `{filename}` stands. */
  readonly nameAt?: number;
}

/**
 * One item to its outcome, with the engine of a run and no ledger: what is half done when it ends is undone. Throws only
 * when it is stopped, with the reason.
 */
export async function transferItem(
  session: Session,
  task: Task,
  { client, progress, stop }: { client: SourceClient; progress: ProgressReporter; stop: Stop },
): Promise<Outcome> {
  const { options, destination, pool, effects } = session;
  const { body, ...listed } = task;
  const { item } = task;
  const work: ItemWork = { kind: 'item', index: task.line - 1, lane: 0, attempts: 0, ...listed };
  const startedAt = effects.now();
  const { signal } = stop;
  const pause = (ms: number) => effects.pause(ms, signal);
  const tries = new PatientTries(
    { failed: 0, resumes: 0, maxAttempts: options.attempts, random: effects.random },
    (error) => progress.retrying(error.name),
    body,
  );
  const transfer = new ItemTransfer({
    run: session.mark,
    work,
    options,
    destination,
    client: session.onChunk ? observeClient(client, handTo(session.onChunk, task)) : client,
    body,
    pool,
    tries,
    signal,
    halt: signal,
    leave: { isDue: () => false, signal },
    time: { leftMs: () => Number.POSITIVE_INFINITY, fullMs: Number.POSITIVE_INFINITY },
    now: effects.now,
    record: () => undefined,
    flush: () => Promise.resolve(),
    pause,
    onBytes: (bytes, totalBytes) => progress.received(bytes, totalBytes),
  });
  const told = (result: Partial<Outcome> & Pick<Outcome, 'outcome' | 'attempts'>): Outcome => ({
    ...toldOfLine(task),
    key: transfer.key,
    ...result,
    ...(tries.resumes > 0 && { resumes: tries.resumes }),
    ms: Math.max(0, effects.now() - startedAt),
  });

  stop.startTimeout(item.timeoutMs ?? options.timeoutMs);
  try {
    for (;;) {
      const tried = await attempt(transfer, progress);
      if ('result' in tried) return told({ ...tried.result, attempts: tries.failed + 1 });
      const error = stop.reason ?? tried.error;
      const decision = stop.reason ? undefined : tries.decide(error);
      if (decision?.action === 'retry') await pause(decision.afterMs);
      if (decision?.action === 'retry' && !stop.reason) continue;
      await transfer.abandon();
      const last = stop.reason ?? body?.explain(error) ?? error;
      if (last.name === 'Interrupted') throw last;
      return told({ outcome: 'failed', ...toldOfError(last), attempts: Math.max(1, tries.failed) });
    }
  } catch (error) {
    await transfer.abandon();
    throw error;
  } finally {
    body?.close();
    stop.release();
  }
}

async function attempt(
  transfer: ItemTransfer,
  progress: ProgressReporter,
): Promise<{ result: ItemResult } | { error: SkyhaulError }> {
  try {
    progress.reading();
    const result = await transfer.attempt();
    // Only a range ends without a result, and this is none.
    return { result: result as ItemResult };
  } catch (error) {
    return { error: toSkyhaulError(error) };
  }
}

function handTo(onChunk: ChunkListener, task: Task) {
  const place = toldOfLine(task);
  return async (chunk: Uint8Array, offset: number) => {
    try {
      await onChunk(chunk, { ...place, offset });
    } catch (error) {
      throw callbackFailure('onChunk', error);
    }
  };
}
