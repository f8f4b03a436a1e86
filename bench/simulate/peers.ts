import { CPU_MS_PER_BYTE, CPU_MS_PER_FILE, LAMBDA_BYTES_PER_MS, PUT_MS, throttlePauseMs, vcpus } from './aws.ts';
import type { Answer } from './hosts.ts';
import { FAILED, STORED } from './ledger.ts';
import { StoreClient } from './store-client.ts';
import { buildSystem, type Result, type System } from './system.ts';
import type { World } from './world.ts';

/**
 * What people build instead, with the same engine at work inside: same times, same CPU, same S3. Only who takes which line
 * when differs, and what is done about a refusal.
 */
interface Thread {
  readonly worker: Worker;
  item: number;
  attempt: number;
  stage: 'take' | 'start' | 'ask' | 'answer' | 'put';
  answer: Answer | undefined;
  refusals: number;
  tries: number;
  billedFrom: number;
}

interface Worker {
  cpuFreeAt: number;
  threads: number;
  store: StoreClient;
  startedAt: number;
  /** Of a shard that it was given: the next line, and the one behind its last. */
  next: number;
  end: number;
}

/** A child execution costs its start and its one state; a retry visits the state again. */
const TRANSITIONS_PER_CHILD = 2;
/** `Retry` as most state machines have it: three more tries, after 1, 2 and 4 s. */
const RETRIES = 3;
const FIRST_RETRY_MS = 1_000;

/** (a) Each line is a child of the Map and an invocation of its own. The Map takes them in the order of the list. */
export function simulateOnePerChild(
  world: World,
  { concurrency, perHostConnections, memoryMegabytes }: PeerOptions,
): Result {
  const system = buildSystem(world, perHostConnections);
  const { queue, ledger, environments, transitions, random, hosts } = system;
  let nextItem = 0;
  const threads = Array.from({ length: Math.min(concurrency, world.items) }, () => newThread(newWorker(1)));
  for (const id of threads.keys()) queue.push(0, id);

  for (let id = queue.take(); id !== undefined; id = queue.take()) {
    const thread = threads[id] as Thread;
    const at = step(thread);
    if (at !== undefined) queue.push(at, id);
  }
  return { system, wallMs: queue.now, rounds: 1 };

  function step(thread: Thread): number | undefined {
    const { now } = queue;
    switch (thread.stage) {
      case 'take':
        if (nextItem >= world.items) return undefined;
        thread.item = nextItem++;
        thread.attempt = 0;
        thread.refusals = 0;
        thread.stage = 'start';
        ledger.bill.transitions += TRANSITIONS_PER_CHILD;
        return transitions.take(now, TRANSITIONS_PER_CHILD);
      case 'start': {
        const startMs = environments.start(now);
        if (startMs === undefined) {
          thread.refusals += 1;
          ledger.bill.transitions += 1;
          return now + throttlePauseMs(thread.refusals, random);
        }
        thread.billedFrom = now;
        // A new one knows nothing of what S3 said to others.
        thread.worker.store = new StoreClient();
        thread.stage = 'ask';
        return now + startMs;
      }
      case 'ask':
        return ask(system, thread);
      case 'answer':
        return answered(system, thread, memoryMegabytes) ?? fail(thread);
      case 'put': {
        const put = store(system, thread);
        if (put === 'refused') return fail(thread);
        if (put !== 'done') return put;
        return finish(thread, STORED, PUT_MS);
      }
    }
  }

  function leave(thread: Thread, ms: number): void {
    const { item, billedFrom } = thread;
    ledger.work(queue.now + ms - billedFrom, memoryMegabytes);
    ledger.bill.invocations += 1;
    environments.end();
    if (thread.stage === 'answer') hosts.disconnect(world.hostOf[item] as number);
  }

  function fail(thread: Thread): number {
    leave(thread, 0);
    thread.attempt += 1;
    if (thread.attempt > RETRIES || thread.answer?.kind === 'missing') {
      ledger.end(thread.item, FAILED, queue.now);
      thread.stage = 'take';
      return queue.now;
    }
    ledger.bill.transitions += 1;
    thread.stage = 'start';
    return queue.now + FIRST_RETRY_MS * 2 ** (thread.attempt - 1);
  }

  function finish(thread: Thread, outcome: typeof STORED, ms: number): number {
    leave(thread, ms);
    ledger.end(thread.item, outcome, queue.now + ms);
    thread.stage = 'take';
    return queue.now + ms;
  }
}

export interface PeerOptions {
  readonly concurrency: number;
  readonly perHostConnections: number;
  readonly memoryMegabytes: number;
}

export const SHARD_LINES = 10_000;
const THREADS = 256;

/** (b) Shards of 10,000 lines, fixed to a worker with 256 threads; no limit by host, no second try, no waiting. */
export function simulateFixedShards(
  world: World,
  { concurrency, perHostConnections, memoryMegabytes }: PeerOptions,
): Result {
  const system = buildSystem(world, perHostConnections);
  const { queue, ledger, environments, hosts } = system;
  const shards = Math.ceil(world.items / SHARD_LINES);
  const workers = Array.from({ length: Math.min(concurrency, shards) }, () => newWorker(THREADS));
  const threads = workers.flatMap((worker) => Array.from({ length: THREADS }, () => newThread(worker)));
  let nextShard = 0;
  for (const [index, worker] of workers.entries()) takeShard(worker, index);

  for (let id = queue.take(); id !== undefined; id = queue.take()) {
    const at = step(threads[id] as Thread);
    if (at !== undefined) queue.push(at, id);
  }
  return { system, wallMs: queue.now, rounds: 1 };

  function takeShard(worker: Worker, index: number): void {
    if (nextShard >= shards) return;
    worker.next = nextShard++ * SHARD_LINES;
    worker.end = Math.min(world.items, worker.next + SHARD_LINES);
    worker.startedAt = queue.now;
    worker.threads = Math.min(THREADS, worker.end - worker.next);
    environments.start(queue.now);
    for (let thread = 0; thread < worker.threads; thread += 1) queue.push(queue.now, index * THREADS + thread);
  }

  function step(thread: Thread): number | undefined {
    const { worker } = thread;
    switch (thread.stage) {
      case 'take':
        if (worker.next < worker.end) {
          thread.item = worker.next++;
          thread.stage = 'ask';
          return queue.now;
        }
        worker.threads -= 1;
        // The shard is done with its slowest line.
        if (worker.threads === 0) {
          ledger.work(queue.now - worker.startedAt, memoryMegabytes);
          ledger.bill.invocations += 1;
          environments.end();
          takeShard(worker, workers.indexOf(worker));
        }
        return undefined;
      case 'ask':
        return ask(system, thread);
      case 'answer':
        return answered(system, thread, memoryMegabytes) ?? end(thread, FAILED, 0);
      case 'put': {
        const put = store(system, thread);
        if (put === 'refused') return end(thread, FAILED, 0);
        return put === 'done' ? end(thread, STORED, PUT_MS) : put;
      }
      default:
        throw new Error(`no stage ${thread.stage}`);
    }
  }

  function end(thread: Thread, outcome: typeof STORED | typeof FAILED, ms: number): number {
    if (thread.stage === 'answer') hosts.disconnect(world.hostOf[thread.item] as number);
    ledger.end(thread.item, outcome, queue.now + ms);
    thread.stage = 'take';
    return queue.now + ms;
  }
}

function newWorker(threads: number): Worker {
  return { cpuFreeAt: 0, threads, store: new StoreClient(), startedAt: 0, next: 0, end: 0 };
}

function newThread(worker: Worker): Thread {
  return { worker, item: -1, attempt: 0, stage: 'take', answer: undefined, refusals: 0, tries: 0, billedFrom: 0 };
}

/** Each request on a connection of its own. */
function ask({ world, hosts, queue }: System, thread: Thread): number {
  const { item, attempt, worker } = thread;
  hosts.connect(world.hostOf[item] as number);
  const paceLimit = LAMBDA_BYTES_PER_MS / worker.threads;
  const bytes = world.bytesOf[item] as number;
  thread.answer = hosts.ask({ item, attempt, bytes, now: queue.now, isNew: true, paceLimit });
  thread.stage = 'answer';
  return queue.now + thread.answer.ms;
}

/** When the PUT may leave; undefined: it failed, and the caller says what follows. */
function answered({ world, hosts, queue }: System, thread: Thread, memoryMegabytes: number): number | undefined {
  const { item, worker, answer } = thread;
  if (answer?.kind !== 'body') return undefined;
  hosts.disconnect(world.hostOf[item] as number);
  const cpuMs = (CPU_MS_PER_FILE + (world.bytesOf[item] as number) * CPU_MS_PER_BYTE) / vcpus(memoryMegabytes);
  worker.cpuFreeAt = Math.max(worker.cpuFreeAt, queue.now) + cpuMs;
  thread.stage = 'put';
  thread.tries = 0;
  return worker.store.turn(worker.cpuFreeAt);
}

function store({ prefix, queue, random, ledger }: System, thread: Thread): number | 'done' | 'refused' {
  thread.tries += 1;
  const sent = thread.worker.store.send(queue.now, thread.tries, prefix, random);
  if (sent.state === 'again') return sent.at;
  if (sent.state === 'refused') return 'refused';
  ledger.bill.put += 1;
  return 'done';
}
