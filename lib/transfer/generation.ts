import { type Checkpoint, needsOrder, type OpenUploadState, type UploadedPart } from '../contract/checkpoint.ts';
import type { Verification } from '../contract/outcome.ts';
import { knownParts } from '../ledger/fold-checkpoints.ts';
import type { OpenedSource, PinnedVersion } from '../source/source.ts';
import type { Condition, ObjectOptions, ObjectStore, StoredPart, Upload } from '../store/object-store.ts';
import { maxBufferedPartBytes, type PartPlan, partCount, partRange, planParts } from '../store/part-plan.ts';
import { missingRuns, type PartRun } from '../store/part-runs.ts';
import { tooLarge } from './check-expectations.ts';
import { describeObject, verification } from './describe-object.ts';
import { type WantedDigests, wantedDigests } from './digests.ts';
import type { ItemJob } from './item-job.ts';

/** A part that the store holds, with what was taken of it on the way. */
export type Part = StoredPart & Pick<UploadedPart, 'crc32c'>;

/**
 * One version of a source on its way into one object. A version that changes ends the generation and its upload; the next
 * one starts with nothing. Everything but the parts is fixed when it begins.
 */
export interface Generation {
  /** So often the item began again because its source was another one. */
  readonly restarts: number;
  readonly status: number;
  readonly version: PinnedVersion | undefined;
  readonly sourceEtag: string | undefined;
  readonly plan: PartPlan;
  readonly isStreamed: boolean;
  readonly wanted: WantedDigests;
  readonly verified: Verification;
  readonly condition: Condition;
  /** Known until the upload exists; then the store knows it. */
  readonly object: ObjectOptions | undefined;
  /** Another attempt can go on with its upload, and may have to. */
  readonly isCheckpointed: boolean;
  readonly parts: Map<number, Part>;
  upload: Upload | undefined;
  /** Of digests that need the bytes in order: what stands behind the last of the leading parts. */
  digestState: { readonly parts: number; readonly state: string } | undefined;
}

/** What the cut and the description of an object depend on. */
type ObjectJob = Pick<ItemJob, 'run' | 'work'> & {
  readonly destination: Pick<ObjectStore, 'limits'>;
  readonly pool: Pick<ItemJob['pool'], 'budgetBytes'>;
};

/** Throws TooLarge where no cut of the body fits into the destination, or into the memory there is. */
export function beginGeneration(
  job: ObjectJob & Pick<ItemJob, 'options'>,
  source: OpenedSource,
  given: { readonly condition: Condition; readonly restarts: number; readonly isWhole: boolean },
): Generation {
  const { destination, pool, work } = job;
  const length = source.framing.kind === 'length' ? source.framing.bytes : undefined;
  const version = given.isWhole ? undefined : source.version;
  const memory = { bufferBytes: pool.budgetBytes, canStream: version !== undefined };
  const planned = planParts(length, destination.limits, memory);
  if ('tooLarge' in planned) throw tooLarge(planned.tooLarge);
  const wanted = wantedDigests(work.item, source.digests);
  const verified = verification(work.item, source, wanted);
  return {
    restarts: given.restarts,
    status: source.status,
    version,
    sourceEtag: source.validators.strongEtag,
    ...planned,
    wanted,
    verified,
    condition: given.condition,
    object: describeObject(job, source, verified),
    isCheckpointed: version?.bytes !== undefined && version.bytes > planned.plan.partBytes,
    parts: new Map(),
    upload: undefined,
    digestState: undefined,
  };
}

/**
 * The generation that another attempt left behind. A part counts when the store lists it with the size that the plan
 * gives it; what the ledger says of it must not contradict. Undefined: they disagree, and nothing of it is to be used.
 */
export function continueGeneration(
  job: ObjectJob,
  open: OpenUploadState,
  listed: readonly StoredPart[],
): Generation | undefined {
  const { upload, partBytes, version, condition, wanted, verified, status, digests } = open;
  const plan: PartPlan = { bytes: version.bytes, partBytes };
  const known = new Map(knownParts(open).map((part) => [part.number, part]));
  const wantsCrc32c = wanted.some(({ algorithm }) => algorithm === 'crc32c');
  const parts = new Map<number, Part>();
  for (const part of listed) {
    if (part.number > partCount(plan) || part.bytes !== partRange(plan, part.number).bytes) return undefined;
    const recorded = known.get(part.number);
    if (recorded && recorded.crc32 !== part.crc32) return undefined;
    const crc32c = recorded?.crc32c;
    if (!wantsCrc32c) parts.set(part.number, part);
    // Its row was lost, and with it a sum that only its bytes can give again.
    else if (crc32c !== undefined) parts.set(part.number, { ...part, crc32c });
  }
  return {
    restarts: job.work.restarts ?? 0,
    status,
    version,
    sourceEtag: version.etag,
    plan,
    isStreamed: partBytes > maxBufferedPartBytes(job.destination.limits, job.pool.budgetBytes),
    wanted,
    verified,
    condition,
    object: undefined,
    isCheckpointed: true,
    parts,
    upload: { key: job.work.key, id: upload },
    digestState: digests && hasAll(parts, digests.parts) ? digests : undefined,
  };
}

/** What is still to be fetched. Bytes that must be read in order are read on from the last state of their digests. */
export function runsLeft(generation: Generation, within?: PartRun): readonly PartRun[] {
  const { plan, parts, wanted, digestState } = generation;
  if (plan.bytes === undefined || plan.bytes === 0) return [{ first: 1, last: Number.POSITIVE_INFINITY }];
  const last = partCount(plan);
  if (!needsOrder(wanted)) return missingRuns(plan, new Set(parts.keys()), within);
  const done = digestState?.parts ?? 0;
  return done < last ? [{ first: done + 1, last }] : [];
}

/** Parts that need not be sent again. */
export function advanceOf({ parts, wanted, digestState }: Generation): number {
  return needsOrder(wanted) ? (digestState?.parts ?? 0) : parts.size;
}

/** @param key of an upload that nobody could know before it was created */
export function checkpointOf(
  { version, ...generation }: Generation,
  upload: Upload,
  key?: string,
): Checkpoint | undefined {
  const { plan, condition, wanted, verified, status } = generation;
  if (!generation.isCheckpointed || version?.bytes === undefined || condition.kind === 'any') return undefined;
  return {
    upload: upload.id,
    ...(key !== undefined && { key }),
    partBytes: plan.partBytes,
    version: {
      bytes: version.bytes,
      ...(version.etag !== undefined && { etag: version.etag }),
      ...(version.modified !== undefined && { modified: version.modified }),
      ...(version.window !== undefined && { window: version.window }),
      ...(version.contentEncoding !== undefined && { contentEncoding: version.contentEncoding }),
    },
    condition,
    wanted: [...wanted],
    verified,
    status,
  };
}

function hasAll(parts: ReadonlyMap<number, Part>, leading: number): boolean {
  for (let number = 1; number <= leading; number += 1) if (!parts.has(number)) return false;
  return true;
}
