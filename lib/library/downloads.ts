import { MiB } from '../contract/limits.ts';
import type { Outcome } from '../contract/outcome.ts';
import { toldOfError, toldOfLine } from '../contract/tell-outcome.ts';
import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import { KeyIndex } from '../manifest/key-index.ts';
import type { SourceClient } from '../source/source.ts';
import { BufferPool } from '../transfer/buffer-pool.ts';
import { openDestination } from './destination.ts';
import { type Effects, markOf } from './effects.ts';
import { HostSlots } from './host-slots.ts';
import { ItemFeed, type Items } from './item-feed.ts';
import { guarded } from './listeners.ts';
import type { ItemInput } from './options.ts';
import { type Progress, ProgressReporter } from './progress.ts';
import { readItem, type Settings } from './settings.ts';
import { sourceClients } from './source-clients.ts';
import { Stop } from './stop.ts';
import { type Session, type Task, transferItem } from './transfer-item.ts';

/** Two parts each: one is filled while the other is on its way. */
const BYTES_PER_TRANSFER = 16 * MiB;
/** Items that are looked at for each one under way: so far others may overtake those whose host is busy. */
const LOOK_AHEAD = 4;

interface Waiting {
  readonly task: Task;
  readonly host: string;
  readonly progress: ProgressReporter;
  readonly stop: Stop;
}

/** What became of all items of one call. */
export interface DownloadSummary {
  readonly counts: { readonly stored: number; readonly skipped: number; readonly failed: number };
  /** Of the objects that were stored. */
  readonly bytes: number;
  readonly seconds: number;
}

/**
 * The items of one call on their way. Takes items only as fast as it starts them, and starts them only as long as somebody
 * takes the outcomes; holds a few items for each transfer at once, whatever the length of the list. When it is over,
 * whichever way, no socket and no upload of it is open.
 */
export class DownloadRun {
  readonly #settings: Settings<'downloadAll'>;
  readonly #session: Session;
  readonly #prefix: string;
  readonly #feed: ItemFeed<ItemInput>;
  readonly #keys: KeyIndex;
  readonly #slots: HostSlots;
  readonly #stop: Stop;
  readonly #waiting: Waiting[] = [];
  readonly #ready: Outcome[] = [];
  readonly #startedAt: number;
  readonly #counts = { stored: 0, skipped: 0, failed: 0 };
  #bytes = 0;
  #lines = 0;
  #active = 0;
  #wake = Promise.withResolvers<void>();
  /** Of the caller's code, which does not stop the others; thrown at the end. */
  #failure: { readonly error: unknown } | undefined;

  /** @throws SkyhaulError `BatchInvalid`, `NotSupported` */
  constructor(items: Items<ItemInput>, settings: Settings<'downloadAll'>, effects: Effects) {
    const { own, options } = settings;
    const { store, prefix, isDirectory } = openDestination(own.to, own.s3);
    this.#settings = settings;
    this.#prefix = prefix;
    this.#startedAt = effects.now();
    this.#session = {
      mark: markOf(effects),
      options,
      destination: store,
      pool: new BufferPool(own.memoryBytes ?? own.concurrency * BYTES_PER_TRANSFER),
      effects,
      onChunk: own.onChunk,
    };
    this.#feed = new ItemFeed(items);
    this.#keys = new KeyIndex({ directories: isDirectory });
    this.#slots = new HostSlots(options.perHostConnections, sourceClients(options, own.allowNetworks, effects));
    this.#stop = new Stop(own.signal);
    this.#stop.signal.addEventListener('abort', () => this.#wake.resolve(), { once: true });
  }

  /** Of what has ended so far. */
  get summary(): DownloadSummary {
    const seconds = Math.max(0, this.#session.effects.now() - this.#startedAt) / 1_000;
    return { counts: { ...this.#counts }, bytes: this.#bytes, seconds };
  }

  /** In the order in which they end. Once. */
  async *outcomes(): AsyncGenerator<Outcome, void, undefined> {
    try {
      for (;;) {
        this.#pump();
        const outcome = this.#ready.shift();
        if (outcome) yield outcome;
        else if (this.#isOver) break;
        else await this.#woken();
      }
    } finally {
      await this.#end();
    }
    if (this.#failure) throw this.#failure.error;
  }

  get #isOver(): boolean {
    if (this.#active > 0) return false;
    return this.#stop.reason !== undefined || (this.#feed.isOver && this.#waiting.length === 0);
  }

  /** Starts whatever may be started now. */
  #pump(): void {
    if (this.#stop.reason) return;
    const { concurrency } = this.#settings.own;
    while (this.#active < concurrency && this.#ready.length < concurrency) {
      const next = this.#nextReady();
      if (!next) break;
      void this.#work(next.waiting, next.client);
    }
    const wanted = LOOK_AHEAD * concurrency - this.#waiting.length;
    if (wanted > 0 && this.#ready.length < concurrency && !this.#feed.isOver && !this.#feed.isAsking) void this.#ask();
  }

  /** The first one whose host has a connection to give. */
  #nextReady(): { waiting: Waiting; client: SourceClient } | undefined {
    for (const [position, waiting] of this.#waiting.entries()) {
      const client = this.#slots.take(waiting.host);
      if (!client) continue;
      this.#waiting.splice(position, 1);
      return { waiting, client };
    }
    return undefined;
  }

  async #ask(): Promise<void> {
    try {
      const next = await this.#feed.next();
      if (next && !this.#stop.reason) this.#accept(next.item);
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#goOn();
  }

  /** An item becomes one that waits for its turn, or an outcome at once. */
  #accept(input: ItemInput): void {
    this.#lines += 1;
    const line = this.#lines;
    const checked = readItem(input, this.#settings.fields, this.#prefix);
    if (!checked.ok) {
      const { problems, id, url = '' } = checked;
      const error = problems.find((problem) => problem.error !== undefined)?.error ?? 'ManifestInvalid';
      const message = problems.map(({ text }) => text).join('; ');
      const about = { line, url, ...(id !== undefined && { id }) };
      this.#settle({ ...about, outcome: 'failed', error, message, attempts: 0 });
      return;
    }
    const { item, key, body, nameAt } = checked;
    const task: Task = { line, item, key, ...(body && { body }), ...(nameAt !== undefined && { nameAt }) };
    // What a stream will say is not known: no other item asks for the same.
    const asked = body ? { ...item, body: `stream ${line}` } : item;
    const claim = nameAt === undefined ? this.#keys.claim(line, key, asked) : this.#keys.claimUnnamed(line, key, asked);
    if (claim.kind !== 'first') body?.close();
    if (claim.kind === 'duplicate') {
      const message = `the same as line ${claim.of}`;
      this.#settle({ ...toldOfLine(task), outcome: 'skipped', reason: 'duplicate', message, attempts: 0 });
    } else if (claim.kind === 'conflict') {
      const { text } = claim.problem;
      this.#settle({ ...toldOfLine(task), outcome: 'failed', error: 'KeyConflict', message: text, attempts: 0 });
    } else {
      this.#enqueue(task);
    }
  }

  #enqueue(task: Task): void {
    const { own } = this.#settings;
    const { item } = task;
    const stop = new Stop(this.#stop.signal);
    const progress = new ProgressReporter({
      about: toldOfLine(task),
      listener: guarded<Progress>('onProgress', own.onProgress, (error) => stop.abort(error)),
      intervalMs: own.progressIntervalMs,
      now: this.#session.effects.now,
    });
    try {
      progress.waiting();
      this.#waiting.push({ task, host: new URL(item.url).host, progress, stop });
    } catch (error) {
      stop.release();
      task.body?.close();
      const failed = { outcome: 'failed', ...toldOfError(toSkyhaulError(error)), attempts: 0 } as const;
      this.#settle({ ...toldOfLine(task), ...failed });
    }
  }

  async #work({ task, host, progress, stop }: Waiting, client: SourceClient): Promise<void> {
    this.#active += 1;
    try {
      const outcome = await transferItem(this.#session, task, { client, progress, stop });
      this.#settle(outcome);
      progress.ended({ outcome });
    } catch (error) {
      // Stopped; or the caller's listener threw when the item had ended, which can change nothing about it any more.
      if (!this.#stop.reason) this.#failure ??= { error };
    } finally {
      this.#active -= 1;
      this.#slots.give(host, client, () => this.#goOn());
      this.#goOn();
    }
  }

  #settle(outcome: Outcome): void {
    this.#ready.push(outcome);
    this.#counts[outcome.outcome] += 1;
    if (outcome.outcome === 'stored') this.#bytes += outcome.bytes ?? 0;
  }

  /** Something has changed: others may start, and whoever waits for an outcome looks again. */
  #goOn(): void {
    this.#pump();
    this.#wake.resolve();
  }

  async #woken(): Promise<void> {
    await this.#wake.promise;
    this.#wake = Promise.withResolvers<void>();
  }

  /** Stops what is still under way, and leaves nothing open. */
  async #end(): Promise<void> {
    const stopped = this.#stop.reason;
    if (stopped) this.#failure = { error: stopped };
    this.#stop.abort(new SkyhaulError('Interrupted', 'nobody takes the outcomes any more'));
    this.#feed.end();
    for (const { stop, task } of this.#waiting.splice(0)) {
      stop.release();
      task.body?.close();
    }
    while (this.#active > 0) await this.#woken();
    this.#stop.release();
    await this.#slots.close();
    await this.#session.destination.close();
  }
}
