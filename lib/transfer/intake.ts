import { crc32 } from 'node:zlib';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { OpenedSource } from '../source/source.ts';
import { steadyBody } from '../source/steady-body.ts';
import { checkLength, tooLarge } from './check-expectations.ts';
import { type Crc32c, createCrc32c, Digests, wantedDigests } from './digests.ts';
import { passed } from './garbage.ts';
import type { ItemJob } from './item-job.ts';
import { judgePace } from './pace.ts';
import { resumeWhenDue } from './resume-policy.ts';
import { requestOf } from './source-request.ts';

/** What reading needs of an item's job; whoever stores nothing has no more. */
export type IntakeJob = Pick<
  ItemJob,
  'work' | 'options' | 'client' | 'body' | 'tries' | 'signal' | 'time' | 'now' | 'pause' | 'onBytes'
>;

/**
 * The body of a source that is read in one go, by a transform or by somebody's own code: resumed unseen where its version
 * allows it, metered, and proven at its end. Nothing that was made of it may be kept before `verify` has returned.
 */
export class Intake {
  readonly #job: IntakeJob;
  readonly #source: OpenedSource;
  readonly #isWhole: boolean;
  readonly #digests: Digests;
  readonly #crc32c: Crc32c | undefined;
  readonly #startedAt: number;
  #bytes = 0;
  #crc32 = 0;
  #hasEnded = false;

  /** `isWhole`: the source takes no ranges. */
  static async of(job: IntakeJob, source: OpenedSource, isWhole: boolean): Promise<Intake> {
    const wanted = wantedDigests(job.work.item, source.digests);
    const wantsCrc32c = wanted.some(({ algorithm }) => algorithm === 'crc32c');
    const digests = await Digests.of(wanted, { canBeSaved: false });
    return new Intake(job, source, isWhole, digests, wantsCrc32c ? await createCrc32c() : undefined);
  }

  private constructor(
    job: IntakeJob,
    source: OpenedSource,
    isWhole: boolean,
    digests: Digests,
    crc32c: Crc32c | undefined,
  ) {
    this.#job = job;
    this.#source = source;
    this.#isWhole = isWhole;
    this.#digests = digests;
    this.#crc32c = crc32c;
    this.#startedAt = job.now();
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Once. Chunks are the reader's own until it asks for the next one. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    const { client, signal } = this.#job;
    const version = this.#isWhole ? undefined : this.#source.version;
    const body = steadyBody(this.#source, {
      client,
      request: { ...requestOf(this.#job), signal },
      version,
      from: 0,
      mayResume: resumeWhenDue(this.#job, signal),
    });
    for await (const chunk of body) {
      this.#take(chunk, version !== undefined);
      yield chunk;
    }
    this.#hasEnded = true;
  }

  /** Throws SizeMismatch, DigestMismatch, UnexpectedContent, and TransformFailed where the body was not read to its end. */
  verify(): { readonly sha256: string | undefined } {
    const { work, options } = this.#job;
    if (!this.#hasEnded) throw new SkyhaulError('TransformFailed', 'the body was not read to its end');
    checkLength(work.item, this.#bytes, work.item.maxBytes ?? options.maxBytes);
    return this.#digests.verify({ crc32: this.#crc32, crc32c: this.#crc32c?.digest() });
  }

  #take(chunk: Uint8Array, isPinned: boolean): void {
    const { tries, options, work, onBytes } = this.#job;
    passed(chunk.length);
    if (isPinned) tries.received(chunk.length);
    this.#bytes += chunk.length;
    const most = work.item.maxBytes ?? options.maxBytes;
    if (this.#bytes > most) throw tooLarge(most);
    this.#digests.update(chunk);
    this.#crc32c?.update(chunk);
    this.#crc32 = crc32(chunk, this.#crc32);
    const { framing } = this.#source;
    const length = framing.kind === 'length' ? framing.bytes : undefined;
    onBytes(this.#bytes, length);
    this.#checkPace(length);
  }

  #checkPace(length: number | undefined): void {
    const { time, now } = this.#job;
    const pace = judgePace({
      bytes: this.#bytes,
      elapsedMs: now() - this.#startedAt,
      timeLeftMs: time.leftMs(),
      fullTimeMs: time.fullMs,
      bytesLeft: length === undefined ? undefined : length - this.#bytes,
      partBytes: 0,
      isResumable: false,
    });
    if (pace === 'whole-too-slow') {
      throw new SkyhaulError(
        'NotResumable',
        `received ${this.#bytes} bytes so far, and must be read in one invocation`,
      );
    }
    if (pace === 'leave') throw new SkyhaulError('Interrupted', 'what is left of this invocation is too short');
  }
}
