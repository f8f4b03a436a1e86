import type { ErrorName } from '../../lib/errors/catalogue.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { crc32Hex } from '../../lib/store/crc32.ts';
import type { StoredObject } from '../../lib/store/object-store.ts';
import { adopted } from '../../lib/transfer/adopt-object.ts';
import { beforeCommit } from '../../lib/transfer/commit-policy.ts';
import { afterChange, mayGoOn } from '../../lib/transfer/give-up-policy.ts';
import type { ItemResult } from '../../lib/transfer/item-job.ts';
import { whyUnchanged } from '../../lib/transfer/overwrite-policy.ts';
import { memoised } from './intern.ts';
import { contentOf, idOf, LIVES_UNTIL, ledgerOf, uploadOf, type Work } from './protocol.ts';
import { Records } from './records.ts';
import { REST, type Version, type Worker, type World, withUpload, withWorker } from './world.ts';

const errorOf = memoised((name: ErrorName) => new SkyhaulError(name, ''));
const AFTER_CHANGE = { again: 'replace', elsewhere: 'close', unstable: 'outcome' } as const;

/** One worker in its world, on the way to the next one. */
export class Turn extends Records {
  get work(): Work {
    return this.protocol.works.at(this.worker.work);
  }

  get isRange(): boolean {
    return this.work.kind === 'range';
  }

  // What the worker does, step by step.

  /** Reads the ledger of its shard. */
  start(round: number, shard: number, planned: number): World {
    this.become({ round, shard });
    const work = this.protocol.readWork(
      ledgerOf(withWorker(this.world, this.index, { at: 'over' }), round, shard),
      planned,
    );
    if (work === undefined) return this.become({ ...REST, at: 'over' });
    const { restarts = 0, whole = false } = this.protocol.works.at(work);
    this.become({ at: 'begin', work, restarts, isWhole: whole });
    this.forgetUploadRows();
    if (this.protocol.scenario.lateBegin) return this.world;
    this.begin();
    return this.lookForMarker();
  }

  begin(): World {
    this.record({ row: 'started', at: 0, livesUntil: LIVES_UNTIL });
    this.flush();
    return this.become({ at: 'marker' });
  }

  lookForMarker(): World {
    const { round } = this.worker;
    if (this.world.run.stoppedThrough >= round) return this.become({ at: 'close' });
    return this.again();
  }

  /** A try: an item looks at its target first. */
  again(): World {
    if (!this.isRange) return this.become({ at: 'look', answer: 0, half: 0 });
    this.become({ answer: 0, half: 0 });
    return this.worker.isTakenUp ? this.proceed() : this.become({ at: 'take' });
  }

  /** What it read is not looked at again. */
  takenUp(): void {
    const { kind, parts } = this.work;
    this.become({ isTakenUp: true, work: this.protocol.works.id({ kind, parts }) });
  }

  look(): World {
    const { by, etag, content } = this.world.object;
    const { existing, before } = this.protocol.look(String(by), etag, content);
    if (before.action === 'fetch') {
      const { condition, ifNoneMatch } = before;
      this.become({ target: this.protocol.targets.id({ existing, condition, ifNoneMatch }) });
      if (this.worker.generation) return this.proceed();
      if (!this.worker.isTakenUp && this.work.open) return this.become({ at: 'take' });
      this.takenUp();
      return this.become({ at: 'open' });
    }
    if (before.action === 'skip') this.result({ outcome: 'skipped', reason: before.reason });
    else this.result(adopted(before.object));
    return this.drop('outcome');
  }

  take(): World {
    const { variant, takeUp } = this.protocol;
    const upload = uploadOf(this.work.open?.upload ?? '');
    const found = this.world.uploads[upload];
    if (found?.state !== 'open') return this.fail('UploadLost');
    const generation = takeUp(this.worker.work, found.parts.join(','));
    if (!generation) return this.drop(this.isRange ? 'close' : 'open');
    const version = variant.pin === 'anew' ? this.world.source : generation.version;
    this.takenUp();
    this.become({ generation: { ...generation, version } });
    return this.proceed();
  }

  /** The first answer, or the one that a restart brought along. */
  open(): World {
    const { facts, targets } = this.protocol;
    const { answer, target, restarts, isWhole } = this.worker;
    const version = answer === 0 ? this.world.source : answer;
    const { existing, condition, ifNoneMatch } = targets.at(target);
    if (whyUnchanged({ ifNoneMatch }, existing, facts.opened(version)) !== undefined)
      return this.end({ outcome: 'skipped', reason: 'unchanged' });
    const begun = facts.begun(version, restarts, isWhole);
    const generation = {
      upload: -1,
      version: begun.version ? version : (0 as const),
      restarts,
      condition: this.protocol.conditions.id(condition),
      isCheckpointed: begun.isCheckpointed,
      parts: Array.from({ length: this.protocol.scenario.parts }, () => ''),
    };
    this.become({ generation, answer: version, part: 1, half: 0 });
    return this.proceed();
  }

  // What it decides between two steps.

  /** To the next part that is missing, or to the commit. */
  proceed(): World {
    const { generation, answer, part } = this.worker;
    if (!generation) return this.isRange ? this.become({ at: 'close' }) : this.become({ at: 'open' });
    const run = this.nextRun();
    if (!run) return this.isRange ? this.become({ at: 'close' }) : this.toCommit();
    if (answer === 0 || run.first !== part) return this.become({ at: 'ask', answer: 0, part: run.first });
    if (generation.upload >= 0) return this.become({ at: 'send' });
    return this.become({ at: this.isSmall ? 'gather' : 'create' });
  }

  get isSmall(): boolean {
    const { generation } = this.worker;
    return this.protocol.scenario.parts === 1 && generation?.isCheckpointed === false && generation.upload < 0;
  }

  nextRun() {
    const { first = 0, last = 0 } = this.work.parts ?? {};
    const has = (this.worker.generation?.parts ?? []).map((part) => (part === '' ? '0' : '1')).join('');
    return this.protocol.nextRun(has, first, last);
  }

  toCommit(): World {
    const { scenario, targets } = this.protocol;
    const decision = beforeCommit(scenario.overwrite, targets.at(this.worker.target).existing, this.sums());
    if (decision === 'commit') return this.become({ at: 'complete', isRelisted: false });
    this.result({ outcome: 'skipped', reason: 'unchanged' });
    return this.leaveUpload();
  }

  sums() {
    return this.protocol.facts.sumsOf(contentOf(this.worker.generation?.parts ?? []));
  }

  /** Another version stands at the source: `replacement` is its answer, when there is one. */
  startOver(replacement: Version, takesNoRanges: boolean): World {
    const { restarts, isWhole } = this.worker;
    this.become({ restarts: restarts + 1, isWhole: isWhole || takesNoRanges, half: 0 });
    const next = afterChange(restarts + 1, this.isRange);
    this.become({ answer: next === 'again' ? replacement : 0 });
    if (next === 'unstable') this.result({ outcome: 'failed', error: 'SourceUnstable' });
    return this.drop(AFTER_CHANGE[next]);
  }

  /** What `attempt` does with an error, and workUntilSettled after it. Pauses and the number of tries play no part. */
  fail(name: ErrorName): World {
    this.become({ failure: '' });
    const error = errorOf(name);
    const { generation } = this.worker;
    const canGoOn = generation?.isCheckpointed === true && generation.upload >= 0;
    this.become({ answer: 0, half: 0 });
    if (mayGoOn(error, canGoOn)) return this.again();
    if (this.isRange && error.retryable) return this.drop('close', name === 'UploadLost');
    if (error.retryable) return this.drop('again', name === 'UploadLost');
    this.result({ outcome: 'failed', error: name });
    return this.drop('outcome', name === 'UploadLost');
  }

  /** Gives the generation up, or what the ledger speaks of and nobody has taken up yet. */
  drop(next: Worker['next'], isGone = false): World {
    const { generation, isTakenUp, restarts, isWhole } = this.worker;
    const open = isTakenUp ? undefined : this.work.open;
    const upload = generation ? generation.upload : open ? uploadOf(open.upload) : -1;
    const isKnown = generation?.isCheckpointed ?? true;
    this.takenUp();
    this.become({ generation: undefined });
    if (upload < 0) return this.follow(next);
    if (isKnown) {
      const whole = isWhole ? { whole: true } : {};
      this.record({ row: 'dropped', index: 0, upload: idOf(upload), restarts, ...whole });
    }
    if (isGone) return this.follow(next);
    return this.become({ at: 'abort', abort: upload, next });
  }

  abort(isLost: boolean): World {
    const { abort, next } = this.worker;
    if (!isLost && this.world.uploads[abort]?.state === 'open') {
      this.world = withUpload(this.world, abort, { state: 'aborted' });
    }
    this.become({ abort: -1, next: '' });
    // Of a restart its failure ends the try; elsewhere nobody asks for it.
    return this.follow(isLost && next === 'replace' ? 'again' : next);
  }

  follow(next: Worker['next']): World {
    switch (next) {
      case 'again':
        return this.again();
      case 'outcome':
        return this.end();
      case 'close':
        return this.become({ at: 'close' });
      default:
        return this.become({ at: 'open' });
    }
  }

  /** The bytes stand elsewhere already: what was uploaded is not needed. */
  leaveUpload(): World {
    const upload = this.worker.generation?.upload ?? -1;
    if (this.world.uploads[upload]?.state !== 'open') return this.end();
    return this.become({ at: 'abort', abort: upload, next: 'outcome' });
  }

  stored(object: StoredObject, isOurs: boolean): World {
    const { bytes, crc32 } = this.sums();
    this.result({ outcome: 'stored', bytes, crc32: crc32Hex(crc32), objectEtag: object.etag });
    return isOurs ? this.end() : this.leaveUpload();
  }

  result(result: ItemResult & { readonly error?: ErrorName }): void {
    const identity = { line: 1, url: 'https://a.example/k', attempts: 1 } as const;
    this.become({ result: this.protocol.rows.id({ row: 'outcome', index: 0, ...identity, ...result }) });
  }

  end(result?: ItemResult): World {
    if (result) this.result(result);
    this.record(this.protocol.rows.at(this.worker.result));
    return this.become({ ...REST, work: this.worker.work, at: 'close' });
  }

  close(): World {
    this.record({ row: 'ended', at: 0, ms: 0, requests: { put: 0, get: 0 } });
    this.flush();
    return this.become({ ...REST, at: 'over' });
  }
}
