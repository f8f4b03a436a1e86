import type { ItemWork } from '../contract/work.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import type { OpenedSource, SourceClient } from '../source/source.ts';
import { SourceChanged } from '../source/source-changed.ts';
import type { StreamedBody } from '../source/streamed-body.ts';
import { checkHeaders } from '../transfer/check-expectations.ts';
import { afterChange } from '../transfer/give-up-policy.ts';
import { Intake, type IntakeJob } from '../transfer/intake.ts';
import { requestOf } from '../transfer/source-request.ts';
import { asTransformFailure } from '../transfer/transform-item.ts';
import { type ItemTransform, transformOf } from '../transfer/transform-of.ts';
import type { Effects } from './effects.ts';
import { guarded } from './listeners.ts';
import { PatientTries } from './patient-tries.ts';
import { ownPieces } from './pieces.ts';
import { ProgressReporter } from './progress.ts';
import type { Settings } from './settings.ts';
import { sourceClients } from './source-clients.ts';
import { Stop } from './stop.ts';

/**
 * One source that is read by the caller, from its head to its proven end. What fails before the first piece has been
 * handed out is begun again unseen; later only bytes of the same version follow. Closes whatever it opened, on every path.
 */
export class Reading {
  readonly #job: IntakeJob;
  readonly #client: SourceClient;
  readonly #stop: Stop;
  readonly #transform: ItemTransform | undefined;
  readonly #progress: ProgressReporter;
  readonly #chunkBytes: number | undefined;
  #source: OpenedSource | undefined;
  #restarts = 0;
  #isWhole = false;
  #closing: Promise<void> | undefined;

  /** Resolves when the head of the source is there, and is what it has to be. */
  static async open(
    work: ItemWork,
    settings: Settings<'stream'>,
    effects: Effects,
    body: StreamedBody | undefined,
  ): Promise<Reading> {
    const reading = new Reading(work, settings, effects, body);
    try {
      reading.#progress.reading();
      reading.#source = await reading.#open();
      return reading;
    } catch (error) {
      const failure = reading.#stop.reason ?? error;
      await reading.close();
      throw failure;
    }
  }

  private constructor(
    work: ItemWork,
    { own, options }: Settings<'stream'>,
    effects: Effects,
    body: StreamedBody | undefined,
  ) {
    const stop = new Stop(own.signal);
    this.#transform = transformOf(work, options);
    this.#client = sourceClients(options, own.allowNetworks, effects)();
    this.#stop = stop;
    this.#chunkBytes = own.chunkBytes;
    const { item, line } = work;
    this.#progress = new ProgressReporter({
      about: { line, ...(item.id !== undefined && { id: item.id }), url: redactUrl(item.url) },
      listener: guarded('onProgress', own.onProgress, (error) => stop.abort(error)),
      intervalMs: own.progressIntervalMs,
      now: effects.now,
    });
    const tries = new PatientTries(
      { failed: 0, resumes: 0, maxAttempts: options.attempts, random: effects.random },
      (error) => this.#progress.retrying(error.name),
      body,
    );
    this.#job = {
      work,
      options,
      client: this.#client,
      body,
      tries,
      signal: stop.signal,
      time: { leftMs: () => Number.POSITIVE_INFINITY, fullMs: Number.POSITIVE_INFINITY },
      now: effects.now,
      pause: (ms) => effects.pause(ms, stop.signal),
      onBytes: (bytes, totalBytes) => this.#progress.received(bytes, totalBytes),
    };
    stop.startTimeout(item.timeoutMs ?? options.timeoutMs);
    // Also where nobody reads just now.
    stop.signal.addEventListener('abort', () => void this.#client.close(), { once: true });
  }

  /** What the source says of itself; changes when another version is begun, before the first piece. */
  get source(): OpenedSource {
    if (!this.#source) throw new SkyhaulError('Unexpected', 'a source is read that was not opened');
    return this.#source;
  }

  get isTransformed(): boolean {
    return this.#transform !== undefined;
  }

  /** Once. Ends normally only when everything that can be proven of the bytes is. */
  async *pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    try {
      for (;;) {
        let isBegun = false;
        try {
          for await (const piece of ownPieces(await this.#run(), this.#chunkBytes)) {
            isBegun = true;
            yield piece;
          }
          this.#progress.ended();
          return;
        } catch (error) {
          const failure = this.#stop.reason ?? toSkyhaulError(asTransformFailure(error));
          if (isBegun) throw shown(failure);
          await this.#beginAgain(failure);
        }
      }
    } finally {
      await this.close();
    }
  }

  /** Resolves when every socket is closed. Safe to call at any time, more than once. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stop.release();
    this.#stop.abort(new SkyhaulError('Interrupted', 'the stream was closed by its reader'));
    await this.#client.close();
    this.#job.body?.close();
  }

  async #open(): Promise<OpenedSource> {
    for (;;) {
      try {
        const source = await this.#client.open(requestOf(this.#job));
        if (!('body' in source)) throw new SkyhaulError('Unexpected', 'an answer to a condition that was not sent');
        return await this.#checked(source);
      } catch (error) {
        await this.#waitAfter(toSkyhaulError(error));
      }
    }
  }

  async #checked(source: OpenedSource): Promise<OpenedSource> {
    const { work, options } = this.#job;
    try {
      checkHeaders(work.item, source, work.item.maxBytes ?? options.maxBytes);
      return source;
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  /** Throws the failure where nothing more is to be tried. */
  async #waitAfter(failure: SkyhaulError): Promise<void> {
    const decision = this.#stop.reason ? undefined : this.#job.tries.decide(failure);
    if (decision?.action === 'retry') await this.#job.pause(decision.afterMs);
    if (this.#stop.reason) throw this.#stop.reason;
    if (decision?.action !== 'retry') throw shown(this.#job.body?.explain(failure) ?? failure);
  }

  async #beginAgain(failure: SkyhaulError): Promise<void> {
    if (!(failure instanceof SourceChanged)) {
      await this.#waitAfter(failure);
      this.#source = await this.#open();
      return;
    }
    this.#restarts += 1;
    this.#isWhole ||= failure.takesNoRanges;
    if (afterChange(this.#restarts, false) === 'unstable') {
      throw new SkyhaulError('SourceUnstable', `it was another one ${this.#restarts} times while it was read`);
    }
    this.#source = failure.replacement ? await this.#checked(failure.replacement) : await this.#open();
  }

  async #run(): Promise<AsyncIterable<Uint8Array>> {
    if (this.#stop.reason) throw this.#stop.reason;
    const intake = await Intake.of(this.#job, this.source, this.#isWhole);
    const run = this.#transform?.chain.run(intake.read());
    if (run?.kind === 'many') throw new SkyhaulError('BatchInvalid', '`untar` makes several files, a stream is one');
    return proven(run?.body ?? intake.read(), intake);
  }
}

async function* proven(body: AsyncIterable<Uint8Array>, intake: Intake): AsyncGenerator<Uint8Array> {
  yield* body;
  intake.verify();
}

/** What the engine would go on with means nothing to a reader that holds bytes already. */
function shown(failure: SkyhaulError): SkyhaulError {
  if (!(failure instanceof SourceChanged)) return failure;
  if (!failure.takesNoRanges) return new SkyhaulError('SourceChanged', failure.message);
  return new SkyhaulError('ConnectionLost', `the connection ended before the body did, and ${failure.message}`);
}
