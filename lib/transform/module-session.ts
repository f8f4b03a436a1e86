import { inspect } from 'node:util';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { endGuarded, type ModuleScope, runGuarded } from './module-guard.ts';
import { ModuleInput } from './module-input.ts';
import type { TransformContext, UserModule } from './user-module.ts';

/** What is known of the item; the options are the step's. */
export type ItemAbout = Omit<TransformContext, 'options'>;

export interface ModuleStepSpec {
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  readonly idleTimeoutMs: number;
}

const MAX_STACK = 4_096;
/** What is given up gets so long to end by itself. */
const CLOSE_MS = 5_000;
const MAX_MESSAGES = 100;
const MAX_MESSAGE = 1_024;

/**
 * A module at work on one item. Each wait for its code ends when the item is given up, when the code fails anywhere, and
 * when it neither takes nor gives a byte for too long. Errors come out under our names: those of the input as they are,
 * all others as TransformFailed with their stack.
 */
export class ModuleSession {
  readonly input: ModuleInput;
  readonly context: TransformContext;
  readonly #about: ItemAbout;
  readonly #idleMs: number;
  readonly #scope: ModuleScope;
  readonly #stop = new AbortController();
  #failure: { readonly error: unknown } | undefined;
  #reject: ((error: unknown) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #takes = false;
  #state: 'working' | 'ended' | 'given up' = 'working';

  constructor({ file }: UserModule, spec: ModuleStepSpec, input: AsyncIterable<Uint8Array>, about: ItemAbout) {
    this.#about = about;
    this.#idleMs = spec.idleTimeoutMs;
    this.#scope = { file, fail: (error) => this.#failed(error) };
    this.input = new ModuleInput(input, (isWaiting) => {
      this.#takes = isWaiting;
      this.#time();
    });
    const log = messagesOf(about);
    this.context = { ...about, log, options: spec.options ?? {}, signal: this.#stop.signal };
    about.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (about.signal.aborted) this.#onAbort();
  }

  /** Runs code of the module and waits for what it promises. Throws SkyhaulErrors, and what the input throws. */
  async run<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      if (this.#failure) throw this.#failure.error;
      // One wait, one promise: a race with a promise that lives longer would keep every answer until that one ends.
      return await new Promise<T>((resolve, reject) => {
        this.#reject = reject;
        this.#time();
        runGuarded(this.#scope, async () => work()).then(resolve, reject);
      });
    } catch (error) {
      throw this.#named(error);
    } finally {
      this.#reject = undefined;
      this.#time();
    }
  }

  /** The module is done: the rest of the input is read, so that the source is proven whole. */
  async finish(): Promise<void> {
    await this.input.drain();
    if (this.#failure) throw this.#named(this.#failure.error);
    this.#state = 'ended';
  }

  /** Nothing of it goes on, as far as that is ours to say. `end` closes what the module gave us. */
  async close(end?: () => unknown): Promise<void> {
    this.#about.signal.removeEventListener('abort', this.#onAbort);
    if (this.#state === 'working') {
      this.#state = 'given up';
      const reason = this.#failure?.error ?? new SkyhaulError('Interrupted', 'the item was given up');
      this.#stop.abort(reason);
      await atMost(CLOSE_MS, [this.input.close(reason), runGuarded(this.#scope, async () => end?.())]);
    }
    endGuarded(this.#scope);
  }

  readonly #onAbort = (): void => {
    this.#failed(this.#about.signal.reason);
  };

  #failed(error: unknown): void {
    if (this.#state === 'given up') return;
    if (this.#state === 'ended') {
      this.context.log(`threw after its item had ended: ${textOf(error)}`);
      return;
    }
    this.#failure ??= { error };
    this.#stop.abort(error);
    this.#reject?.(error);
  }

  /** It is the module's turn while we wait for its output and it does not wait for our input. */
  #time(): void {
    clearTimeout(this.#timer);
    if (!this.#reject || this.#takes) return;
    const message = `module: it neither took nor gave a byte for ${this.#idleMs} ms (idleTimeoutMs).`;
    this.#timer = setTimeout(() => this.#failed(new SkyhaulError('TransformFailed', message)), this.#idleMs);
  }

  /** A module that failed since its input did, or since it was told to stop, is not to blame. */
  #named(error: unknown): unknown {
    const { signal } = this.#about;
    if (signal.aborted) return signal.reason;
    if (this.input.failure) return this.input.failure.error;
    return moduleFailure(error);
  }
}

/** Whatever its name is: a module's `NotFound` is not the source's. */
export function moduleFailure(error: unknown): SkyhaulError {
  if (error instanceof SkyhaulError && error.name === 'TransformFailed') return error;
  return new SkyhaulError('TransformFailed', `module: ${textOf(error)}`, { cause: error });
}

function textOf(error: unknown): string {
  return inspect(error, { depth: 1 }).slice(0, MAX_STACK);
}

function messagesOf({ log }: ItemAbout): TransformContext['log'] {
  let count = 0;
  return (message) => {
    count += 1;
    if (count <= MAX_MESSAGES) log(String(message).slice(0, MAX_MESSAGE));
  };
}

async function atMost(ms: number, ends: readonly Promise<unknown>[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, Promise.allSettled(ends)]);
  clearTimeout(timer);
}
