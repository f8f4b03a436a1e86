import type { OpenUploadState } from '../contract/checkpoint.ts';
import { makesMany } from '../contract/transform.ts';
import type { CopySource, ItemWork } from '../contract/work.ts';
import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import { knownParts } from '../ledger/fold-checkpoints.ts';
import type { OpenedSource } from '../source/source.ts';
import { SourceChanged } from '../source/source-changed.ts';
import type { Condition, StoredObject, Upload } from '../store/object-store.ts';
import { adopted } from './adopt-object.ts';
import { checkHeaders } from './check-expectations.ts';
import { consumeItem } from './consume-item.ts';
import { copyObject } from './copy-object.ts';
import { fillParts } from './fill-parts.ts';
import { finishObject } from './finish-object.ts';
import { advanceOf, beginGeneration, continueGeneration, type Generation } from './generation.ts';
import { afterChange, mayGoOn } from './give-up-policy.ts';
import { headItem, inlineItem } from './inline-item.ts';
import type { ItemJob, ItemResult } from './item-job.ts';
import { comparable, explainConflict, isNamedLate, nameItem, requireOwnName } from './object-name.ts';
import { beforeFetch, type Conditions, markOfItem, whyUnchanged } from './overwrite-policy.ts';
import { fieldsMark, requestMark } from './request-mark.ts';
import { isPost, requestOf } from './source-request.ts';
import { TargetLook } from './target-look.ts';
import { transformItem } from './transform-item.ts';
import { type ItemTransform, moduleOf, transformOf } from './transform-of.ts';

/** What stands at the target, and on which condition it may be replaced. */
interface Target extends Conditions {
  readonly existing: StoredObject | undefined;
  readonly condition: Condition;
}

/**
 * One piece of work in one invocation: a whole item up to its commit, or a range of its parts. Each `attempt` either ends
 * it or throws; what an attempt reached is kept for the next one as long as it may be joined. Nothing it does is visible
 * before the commit. Throws SkyhaulErrors only.
 */
export class ItemTransfer {
  #job: ItemJob;
  /** As Plan handed it over. */
  readonly #asked: ItemWork;
  readonly #isRange: boolean;
  readonly #target: TargetLook;
  #generation: Generation | undefined;
  #restarts: number;
  /** The source takes no ranges: read in one go or not at all. */
  #isWhole: boolean;
  #isTakenUp = false;
  #transform: ItemTransform | undefined;
  /** How far it was when it was taken up. */
  #stoodAt = 0;

  constructor(job: ItemJob) {
    this.#asked = job.work;
    this.#target = new TargetLook(job.work, job.absent);
    const key = job.work.open?.key;
    this.#job = key === undefined ? job : { ...job, work: { ...job.work, key } };
    this.#isRange = job.work.kind === 'range';
    this.#restarts = job.work.restarts ?? 0;
    this.#isWhole = job.work.whole ?? false;
  }

  /** Of the object, as far as it is known. */
  get key(): string {
    return this.#job.work.key;
  }

  /** A later attempt, of any invocation, can go on from here. */
  get canGoOn(): boolean {
    return this.#generation?.isCheckpointed === true && this.#generation.upload !== undefined;
  }

  /** It came forward by parts that a later attempt need not send again. */
  get hasAdvanced(): boolean {
    return this.canGoOn && this.#generation !== undefined && advanceOf(this.#generation) > this.#stoodAt;
  }

  /** One try. `undefined`: the range is stored; its item goes on elsewhere. */
  async attempt(): Promise<ItemResult | undefined> {
    try {
      return await this.#try();
    } catch (error) {
      const failure = await explainConflict(this.#job, toSkyhaulError(error), this.#transform?.mark);
      if (!mayGoOn(failure, this.canGoOn)) await this.#drop(failure.name === 'UploadLost').catch(() => undefined);
      if (failure.name === 'CommitConflict' && this.#target.takeBack()) return this.attempt();
      // The item of a range begins again, elsewhere: its parts are nobody's any more.
      if (this.#isRange && failure.retryable && !this.canGoOn && this.#isTakenUp) return undefined;
      throw failure;
    }
  }

  /** The item has failed for good: nothing of it is left behind. An upload that cannot be ended now is the janitor's. */
  async abandon(): Promise<void> {
    await this.#drop().catch(() => undefined);
  }

  async #try(): Promise<ItemResult | undefined> {
    this.#transform ??= await this.#chain();
    await secretsOf(this.#job);
    const target = this.#isRange || this.#isUnnamed ? undefined : await this.#look();
    if (target && 'outcome' in target) return target;
    await this.#takeUp();
    const { copyOf } = this.#job.work;
    if (copyOf && target && !this.#generation) {
      const copied = await copyObject(this.#job, copyOf, target, this.#transform?.mark);
      if (copied) return copied;
      requireHost(copyOf, this.#job.now());
    }
    for (let replacement: OpenedSource | undefined; ; ) {
      try {
        if (this.#generation) return await this.#goOn(this.#generation, target?.existing);
        return this.#isRange ? undefined : await this.#begin(target, replacement);
      } catch (error) {
        if (!(error instanceof SourceChanged)) throw error;
        replacement = await this.#startOver(error);
      }
    }
  }

  async #chain(): Promise<ItemTransform | undefined> {
    const { work, options, userModule } = this.#job;
    return transformOf(work, options, await moduleOf(work, options, userModule));
  }

  /** The upload of an earlier invocation, as the store and the ledger agree on it. */
  async #takeUp(): Promise<void> {
    const { work, destination } = this.#job;
    if (this.#isTakenUp) return;
    if (work.open) {
      const upload = { key: work.key, id: work.open.upload };
      const listed = await destination.listParts(upload);
      this.#generation = continueGeneration(this.#job, work.open, listed);
      if (!this.#generation) await this.#drop();
      else {
        this.#stoodAt = advanceOf(this.#generation);
        this.#recordFound(work.open, this.#generation);
      }
    }
    this.#isTakenUp = true;
  }

  /** Parts whose rows were lost with their worker: Plan would send for them round after round. */
  #recordFound(open: OpenUploadState, { parts }: Generation): void {
    const { work, record } = this.#job;
    const known = new Set(knownParts(open).map(({ number }) => number));
    const { first, last } = work.parts ?? { first: 1, last: Number.POSITIVE_INFINITY };
    for (const { etag: _, ...part } of parts.values()) {
      if (part.number < first || part.number > last || known.has(part.number)) continue;
      record({ row: 'part', index: work.index, upload: open.upload, ...part });
    }
  }

  /** Its source has to say what it is called. What an open upload is called stands fast. */
  get #isUnnamed(): boolean {
    const { work } = this.#job;
    return isNamedLate(work) && !this.#generation && (this.#isTakenUp || !work.open);
  }

  async #nameAndLook(source: OpenedSource): Promise<Target | ItemResult> {
    this.#job = { ...this.#job, work: nameItem(this.#asked, source, this.#job.destination.uri) };
    return this.#look();
  }

  /** Looks at the target before the source is asked. */
  async #look(): Promise<Target | ItemResult> {
    const { work, options, destination } = this.#job;
    if (!storesObject(this.#job, this.#transform))
      return { existing: undefined, condition: { kind: 'absent' }, ifNoneMatch: undefined };
    const found = await this.#target.head(destination, work.key);
    requireOwnName(this.#job, found, this.#transform?.mark);
    const existing = comparable(work, found);
    const before = beforeFetch({
      overwrite: options.overwrite,
      existing: found,
      ...markOfItem(this.#job),
      declared: work.item,
      transform: this.#transform?.mark,
      request: requestMark(this.#job),
      fields: fieldsMark(this.#job),
      range: work.item.range,
      isPost: isPost(this.#job),
    });
    if (before.action === 'fetch') return { existing, ...before };
    await this.#drop();
    if (before.action === 'adopt') return adopted(before.object);
    return { outcome: 'skipped', reason: before.reason, message: before.message };
  }

  async #begin(known: Target | undefined, replacement: OpenedSource | undefined): Promise<ItemResult> {
    const { client, work, options, destination } = this.#job;
    const { ifNoneMatch, ifModifiedSince } = this.#isUnnamed ? {} : (known ?? {});
    const source = replacement ?? (await client.open({ ...requestOf(this.#job), ifNoneMatch, ifModifiedSince }));
    if (!('body' in source)) {
      return { outcome: 'skipped', reason: 'unchanged', message: 'the source says so', status: 304 };
    }
    try {
      const target = known && !this.#isUnnamed ? known : await this.#nameAndLook(source);
      if ('outcome' in target) return target;
      const message = whyUnchanged(target, target.existing, source);
      if (message !== undefined) return { outcome: 'skipped', reason: 'unchanged', message, status: source.status };
      const most = Math.min(work.item.maxBytes ?? options.maxBytes, destination.limits.maxObjectBytes);
      checkHeaders(work.item, source, most);
      if (work.item.result === 'head') return headItem(this.#job, source);
      if (work.item.result === 'none' || this.#transform?.consume) {
        return await consumeItem(this.#job, this.#transform, source, this.#isWhole);
      }
      if (work.item.result === 'inline') return await inlineItem(this.#job, this.#transform, source, this.#isWhole);
      if (this.#transform) {
        return await transformItem(this.#job, this.#transform, source, { ...target, isWhole: this.#isWhole });
      }
      const given = { condition: target.condition, restarts: this.#restarts, isWhole: this.#isWhole };
      const generation = beginGeneration(this.#job, source, given);
      this.#generation = generation;
      this.#stoodAt = 0;
      return await this.#finish(generation, target.existing, source);
    } finally {
      await source.close();
    }
  }

  async #goOn(generation: Generation, existing: StoredObject | undefined): Promise<ItemResult | undefined> {
    if (!this.#isRange) return this.#finish(generation, existing);
    await fillParts(this.#job, generation, { within: this.#job.work.parts });
    return undefined;
  }

  async #finish(generation: Generation, existing: StoredObject | undefined, first?: OpenedSource): Promise<ItemResult> {
    const filled = await fillParts(this.#job, generation, first ? { first } : {});
    try {
      const { result, isUploadLeft } = await finishObject(this.#job, generation, filled, existing);
      if (isUploadLeft && generation.upload) await this.#job.destination.abortUpload(generation.upload);
      return result;
    } finally {
      filled.small?.release();
    }
  }

  /** Another version stands at the source, or none that can be joined: what was stored of the old one is given up. */
  async #startOver(changed: SourceChanged): Promise<OpenedSource | undefined> {
    const { replacement } = changed;
    try {
      this.#restarts += 1;
      this.#isWhole ||= changed.takesNoRanges;
      await this.#drop();
      const next = afterChange(this.#restarts, this.#isRange);
      if (next === 'elsewhere') throw changed;
      if (next === 'unstable') {
        throw new SkyhaulError('SourceUnstable', `it was another one ${this.#restarts} times while it was read`);
      }
      return replacement;
    } catch (error) {
      await replacement?.close();
      throw error;
    }
  }

  /** Ends the generation: the ledger says so, and its upload is aborted. */
  async #drop(isGone = false): Promise<void> {
    const { work, destination, record } = this.#job;
    const upload = this.#generation?.upload ?? this.#openOfEarlier();
    const isKnown = this.#generation?.isCheckpointed ?? true;
    this.#generation = undefined;
    this.#isTakenUp = true;
    if (!upload) return;
    if (isKnown) {
      const whole = this.#isWhole ? { whole: true } : {};
      record({ row: 'dropped', index: work.index, upload: upload.id, restarts: this.#restarts, ...whole });
    }
    if (!isGone) await destination.abortUpload(upload);
  }

  /** What the ledger speaks of and nobody has taken up yet. */
  #openOfEarlier(): Upload | undefined {
    const { work } = this.#job;
    return !this.#isTakenUp && work.open ? { key: work.key, id: work.open.upload } : undefined;
  }
}

/** Throws Throttled where the host of what cannot be copied is not to be asked yet. */
function requireHost({ line, askFrom = 0 }: CopySource, now: number): void {
  if (askFrom <= now) return;
  const details = { isUnasked: true, retryAfterMs: askFrom - now };
  throw new SkyhaulError('Throttled', `what line ${line} was stored as cannot be copied; the host is busy`, details);
}

async function secretsOf({ secrets, work, options }: ItemJob): Promise<void> {
  await secrets?.prepare({ item: work.item, options });
}

function storesObject({ work: { item }, options }: ItemJob, transform: ItemTransform | undefined): boolean {
  const { result = 'object' } = item;
  // What stands below a key is no object under it.
  return result === 'object' && !transform?.consume && !makesMany(item.transform ?? options.transform);
}
