import { needsOrder } from '../contract/checkpoint.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { StoredPart, Upload } from '../store/object-store.ts';
import { type PartPlan, partRange } from '../store/part-plan.ts';
import { type Crc32c, createCrc32c, Digests } from './digests.ts';
import { checkpointOf, type Generation } from './generation.ts';
import type { ItemJob } from './item-job.ts';
import { isNamedLate } from './object-name.ts';
import type { PartObserver, PartSums } from './part-writer.ts';

/** A state of the digests goes into the ledger behind so many parts, and when the work on the item ends. */
const PARTS_PER_STATE = 8;

/** Keeps the sums of a generation while its bytes pass, and writes down what another attempt needs to go on. */
export class PartRecorder implements PartObserver {
  readonly #job: ItemJob;
  readonly #generation: Generation;
  readonly #digests: Digests;
  readonly #crc32c: Crc32c | undefined;
  readonly #isOrdered: boolean;
  /** Behind each filled part that is not yet the end of the leading ones. */
  readonly #states = new Map<number, string>();
  #received: number;
  #hasFilledPart = false;
  #recordedState = 0;

  static async of(job: ItemJob, generation: Generation): Promise<PartRecorder> {
    const { wanted, isCheckpointed } = generation;
    const { plan, digestState } = generation;
    const isOrdered = needsOrder(wanted);
    let digests = await Digests.of(wanted, { canBeSaved: isCheckpointed && isOrdered, saved: digestState?.state });
    if (!digests || digests.bytes !== bytesBehind(plan, digestState?.parts ?? 0)) {
      // A state that does not help: every byte passes once more.
      generation.digestState = undefined;
      digests = await Digests.of(wanted, { canBeSaved: isCheckpointed && isOrdered });
    }
    const wantsCrc32c = wanted.some(({ algorithm }) => algorithm === 'crc32c');
    return new PartRecorder(job, generation, digests, wantsCrc32c ? await createCrc32c() : undefined);
  }

  private constructor(job: ItemJob, generation: Generation, digests: Digests, crc32c: Crc32c | undefined) {
    this.#job = job;
    this.#generation = generation;
    this.#digests = digests;
    this.#crc32c = crc32c;
    this.#isOrdered = needsOrder(generation.wanted);
    const { plan, parts } = generation;
    const sizes = Array.from(parts.keys(), (number) => partRange(plan, number).bytes);
    this.#received = this.#isOrdered ? digests.bytes : sizes.reduce((sum, bytes) => sum + bytes, 0);
  }

  get digests(): Digests {
    return this.#digests;
  }

  /** Bytes of the object that are stored or on their way, these included. */
  received(bytes: number): number {
    this.#received += bytes;
    return this.#received;
  }

  /** The upload, begun by the first who needs it; its checkpoint is safe before any part is sent. */
  async open(): Promise<Upload> {
    const { destination, work, record, flush } = this.#job;
    const generation = this.#generation;
    if (generation.upload) return generation.upload;
    if (!generation.object) throw new SkyhaulError('Unexpected', 'an upload is to begin without a description');
    const upload = await destination.createUpload(work.key, generation.object);
    generation.upload = upload;
    const checkpoint = checkpointOf(generation, upload, isNamedLate(work) ? upload.key : undefined);
    if (checkpoint) {
      record({ row: 'checkpoint', index: work.index, line: work.line, restarts: generation.restarts, ...checkpoint });
      await flush();
    }
    return upload;
  }

  onBytes(bytes: Uint8Array): void {
    this.#digests.update(bytes);
    this.#crc32c?.update(bytes);
  }

  onFilled(_number: number): PartSums {
    this.#hasFilledPart = true;
    const crc32c = this.#crc32c?.digest();
    this.#crc32c?.reset();
    const isSaved = this.#isOrdered && this.#generation.isCheckpointed;
    return { ...(crc32c !== undefined && { crc32c }), ...(isSaved && { digests: this.#digests.save() }) };
  }

  onStored(part: StoredPart, { crc32c, digests }: PartSums): void {
    const { parts, upload, isCheckpointed } = this.#generation;
    const sums = crc32c === undefined ? {} : { crc32c };
    parts.set(part.number, { ...part, ...sums });
    if (!isCheckpointed || !upload) return;
    const { etag: _, ...stored } = part;
    this.#job.record({ row: 'part', index: this.#job.work.index, upload: upload.id, ...stored, ...sums });
    if (digests !== undefined) this.#advance(part.number, digests);
  }

  /** Whether a part was filled since this was asked last: then little is lost by stopping. */
  takeBoundary(): boolean {
    const has = this.#hasFilledPart;
    this.#hasFilledPart = false;
    return has;
  }

  close(): void {
    this.#recordState(1);
  }

  /** Parts are stored in any order; the state to go on from stands behind the last of the leading ones. */
  #advance(number: number, state: string): void {
    this.#states.set(number, state);
    const generation = this.#generation;
    for (let next = (generation.digestState?.parts ?? 0) + 1; ; next += 1) {
      const reached = this.#states.get(next);
      if (reached === undefined) break;
      this.#states.delete(next);
      generation.digestState = { parts: next, state: reached };
    }
    this.#recordState(PARTS_PER_STATE);
  }

  #recordState(least: number): void {
    const { digestState, upload } = this.#generation;
    if (!digestState || !upload || digestState.parts - this.#recordedState < least) return;
    this.#recordedState = digestState.parts;
    this.#job.record({ row: 'digests', index: this.#job.work.index, upload: upload.id, ...digestState });
  }
}

function bytesBehind(plan: PartPlan, parts: number): number {
  if (parts === 0) return 0;
  const { from, bytes } = partRange(plan, parts);
  return from + bytes;
}
