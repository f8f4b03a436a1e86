import { Worker } from 'node:worker_threads';
import type { TransferAnswer, TransferEvent } from '../lib/contract/machine.ts';
import { isErrorName } from '../lib/errors/catalogue.ts';
import { SkyhaulError, toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import type { RunEvent } from '../lib/run-context.ts';
import type { FromThread, Invocation, ThreadJob, ToThread } from './thread-messages.ts';

interface Waiting {
  readonly resolve: (answer: TransferAnswer) => void;
  readonly reject: (error: SkyhaulError) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

interface ThreadsOptions {
  readonly job: ThreadJob;
  readonly signal: AbortSignal;
  readonly emit: (event: RunEvent) => void;
}

/** For open sockets to be closed. */
const MAX_ENDING_MS = 5_000;

const ENTRY = new URL('./transfer-thread.ts', import.meta.url);

/**
 * The threads on which the shards of large rounds are worked on, so that one run uses more than one core. They are started
 * when they are needed. One that dies takes the others with it, as a process that dies would: the run can be continued.
 */
export class TransferThreads {
  readonly #options: ThreadsOptions;
  readonly #threads = new Set<Thread>();
  #calls = 0;
  #lost: SkyhaulError | undefined;
  #isClosing = false;

  constructor(options: ThreadsOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', this.#stop, { once: true });
  }

  /** Throws why a thread died, where one did. */
  requireAlive(): void {
    if (this.#lost) throw this.#lost;
  }

  /** On the least busy of at most so many threads. Throws what the transfer threw. */
  transfer(event: TransferEvent, invocation: Invocation, most: number): Promise<TransferAnswer> {
    const thread = this.#choose(most);
    this.#calls += 1;
    const id = this.#calls;
    return new Promise((resolve, reject) => {
      thread.waiting.set(id, { resolve, reject });
      send(thread, { kind: 'transfer', id, event, ...invocation });
    });
  }

  /** Nothing is under way any more. */
  async close(): Promise<void> {
    this.#options.signal.removeEventListener('abort', this.#stop);
    this.#isClosing = true;
    const threads = [...this.#threads];
    await Promise.all(threads.map(endOf));
  }

  readonly #stop = (): void => {
    for (const thread of this.#threads) send(thread, { kind: 'stop' });
  };

  #choose(most: number): Thread {
    let best: Thread | undefined;
    for (const thread of this.#threads) if (!best || thread.waiting.size < best.waiting.size) best = thread;
    if (best && (best.waiting.size === 0 || this.#threads.size >= most)) return best;
    return this.#start();
  }

  #start(): Thread {
    const { job, signal, emit } = this.#options;
    const worker = new Worker(ENTRY, { workerData: job });
    const thread: Thread = { worker, waiting: new Map() };
    this.#threads.add(thread);
    const lose = (error: SkyhaulError) => {
      if (!this.#threads.delete(thread) || this.#isClosing) return;
      this.#lost ??= error;
      this.#stop();
      for (const { reject } of thread.waiting.values()) reject(error);
      thread.waiting.clear();
    };
    worker.on('error', (error) => lose(toSkyhaulError(error)));
    worker.on('exit', (code) => lose(new SkyhaulError('Unexpected', `a thread of the run ended with ${code}`)));
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'events') return message.events.forEach(emit);
      const waiting = thread.waiting.get(message.id);
      thread.waiting.delete(message.id);
      if (message.kind === 'answered') return waiting?.resolve(message.answer);
      const { name, message: text, details } = message.error;
      waiting?.reject(new SkyhaulError(isErrorName(name) ? name : 'Unexpected', text, details));
    });
    if (signal.aborted || this.#lost) send(thread, { kind: 'stop' });
    return thread;
  }
}

/** Code of the user's own may hold a thread open, or fail as it ends: what it was to do is done. */
async function endOf(thread: Thread): Promise<void> {
  const ended = new Promise((resolve) => thread.worker.once('exit', resolve));
  send(thread, { kind: 'end' });
  const timer = setTimeout(() => void thread.worker.terminate(), MAX_ENDING_MS);
  await ended;
  clearTimeout(timer);
}

function send({ worker }: Thread, message: ToThread): void {
  worker.postMessage(message);
}
