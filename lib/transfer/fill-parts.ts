import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { OpenedSource } from '../source/source.ts';
import { steadyBody } from '../source/steady-body.ts';
import { maxBytesOf, partRange } from '../store/part-plan.ts';
import type { PartRun } from '../store/part-runs.ts';
import { BodyReader } from './body-reader.ts';
import { tooLarge } from './check-expectations.ts';
import type { Digests } from './digests.ts';
import { passed } from './garbage.ts';
import { type Generation, runsLeft } from './generation.ts';
import type { ItemJob } from './item-job.ts';
import { judgePace } from './pace.ts';
import { PartRecorder } from './part-recorder.ts';
import { PartWriter } from './part-writer.ts';
import { requestOf } from './source-request.ts';

/** The whole object, small enough for one request; the buffer is the pool's again after `release`. */
interface SmallObject {
  readonly bytes: Uint8Array;
  readonly crc32: number;
  readonly crc32c: number | undefined;
  readonly release: () => void;
}

export interface Filled {
  readonly digests: Digests;
  /** There is no upload: this is the object. */
  readonly small?: SmallObject | undefined;
}

/**
 * Fetches what is left of a generation and stores it; `within` are the parts of a range. `first` is an answer at hand,
 * from the first byte. When it throws, no request of it is under way, and parts that were stored by then stand in the
 * generation.
 */
export async function fillParts(
  job: ItemJob,
  generation: Generation,
  { first, within }: { readonly first?: OpenedSource; readonly within?: PartRun | undefined },
): Promise<Filled> {
  const recorder = await PartRecorder.of(job, generation);
  try {
    let answer = first;
    let small: SmallObject | undefined;
    for (const run of runsLeft(generation, within)) {
      small = await new Filling(job, generation, recorder).fill(run, answer);
      answer = undefined;
    }
    return { digests: recorder.digests, small };
  } finally {
    recorder.close();
  }
}

/** One run of parts. */
class Filling {
  readonly #job: ItemJob;
  readonly #generation: Generation;
  readonly #recorder: PartRecorder;
  readonly #signal: AbortSignal;
  readonly #startedAt: number;
  #bytes = 0;

  constructor(job: ItemJob, generation: Generation, recorder: PartRecorder) {
    this.#job = job;
    this.#generation = generation;
    this.#recorder = recorder;
    // Who cannot go on later does not leave for the end of a round.
    this.#signal = generation.isCheckpointed ? AbortSignal.any([job.signal, job.leave.signal]) : job.signal;
    this.#startedAt = job.now();
  }

  async fill(run: PartRun, first: OpenedSource | undefined): Promise<SmallObject | undefined> {
    const { plan, version, isStreamed } = this.#generation;
    const from = plan.bytes === 0 ? 0 : partRange(plan, run.first).from;
    const last = plan.bytes === undefined || plan.bytes === 0 ? undefined : endOf(plan, run.last);
    // To the very end is asked for without an end: some sources serve that and no inner ranges.
    const to = last === undefined || last + 1 === plan.bytes ? undefined : last;
    const body = steadyBody(first, {
      client: this.#job.client,
      request: { ...requestOf(this.#job), signal: this.#signal },
      version,
      from,
      ...(to !== undefined && { to }),
      mayResume: (error) => this.#mayResume(error),
    });
    return isStreamed ? this.#stream(run, body) : this.#buffer(run, body);
  }

  async #buffer(run: PartRun, body: AsyncIterable<Uint8Array>): Promise<SmallObject | undefined> {
    const { destination, pool, halt } = this.#job;
    const recorder = this.#recorder;
    const writer = new PartWriter(
      {
        store: destination,
        plan: this.#generation.plan,
        pool,
        observer: recorder,
        open: () => recorder.open(),
        signal: this.#signal,
        halt,
      },
      run.first,
    );
    try {
      for await (const chunk of body) {
        this.#meter(chunk.length);
        await writer.write(chunk);
        this.#leaveIfDue();
      }
      const { only } = writer;
      if (only && !this.#generation.isCheckpointed && !this.#generation.upload) {
        return { ...only, crc32c: recorder.onFilled(run.first).crc32c, release: () => writer.giveBack() };
      }
      await writer.end();
      return undefined;
    } catch (error) {
      await writer.settle();
      throw error;
    }
  }

  async #stream({ first, last }: PartRun, body: AsyncIterable<Uint8Array>): Promise<undefined> {
    const { destination, halt } = this.#job;
    const { plan } = this.#generation;
    const recorder = this.#recorder;
    const reader = new BodyReader(body);
    const upload = await recorder.open();
    try {
      for (let number = first; number <= last; number += 1) {
        const { bytes } = partRange(plan, number);
        const part = await destination.streamPart(upload, number, bytes, this.#observed(reader.take(bytes)), halt);
        recorder.onStored(part, recorder.onFilled(number));
        this.#leaveIfDue();
      }
    } finally {
      await reader.close();
    }
  }

  async *#observed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of chunks) {
      this.#signal.throwIfAborted();
      this.#meter(chunk.length);
      this.#recorder.onBytes(chunk);
      yield chunk;
    }
  }

  async #mayResume(error: SkyhaulError): Promise<boolean> {
    const { tries, pause } = this.#job;
    const decision = tries.decide(error);
    if (decision.action !== 'retry') return false;
    await pause(decision.afterMs);
    if (this.#signal.aborted) return false;
    tries.resumed();
    return true;
  }

  /** Counts what came, and finds early what cannot end well. */
  #meter(bytes: number): void {
    const { tries, time, now, options, work, destination, onBytes } = this.#job;
    const { plan, version } = this.#generation;
    passed(bytes);
    this.#bytes += bytes;
    if (version !== undefined) tries.received(bytes);
    const total = this.#recorder.received(bytes);
    const most = Math.min(work.item.maxBytes ?? options.maxBytes, maxBytesOf(plan, destination.limits));
    if (total > most) throw tooLarge(most);
    onBytes(total, plan.bytes);
    const pace = judgePace({
      bytes: this.#bytes,
      elapsedMs: now() - this.#startedAt,
      timeLeftMs: time.leftMs(),
      fullTimeMs: time.fullMs,
      bytesLeft: plan.bytes === undefined ? undefined : plan.bytes - total,
      partBytes: plan.partBytes,
      isResumable: this.#generation.isCheckpointed,
    });
    if (pace === 'part-too-slow') throw new SkyhaulError('SourceTooSlow', slowness(this.#bytes, plan.partBytes));
    if (pace === 'whole-too-slow') throw new SkyhaulError('NotResumable', slowness(this.#bytes, plan.bytes ?? 0));
    if (pace === 'leave') throw new SkyhaulError('Interrupted', 'what is left of this invocation is too short');
  }

  #leaveIfDue(): void {
    const { leave } = this.#job;
    if (!this.#recorder.takeBoundary() || !this.#generation.isCheckpointed || !leave.isDue()) return;
    throw new SkyhaulError('Interrupted', 'the round is over');
  }
}

function endOf(plan: Generation['plan'], number: number): number {
  const { from, bytes } = partRange(plan, number);
  return from + bytes - 1;
}

function slowness(bytes: number, wanted: number): string {
  return `received ${bytes} bytes so far; at this pace ${wanted} bytes do not fit into one invocation`;
}
