/**
 * One thread of the transfers of `skyhaul run`. It opens what a Transfer needs for itself, as a Lambda would, works on the
 * shards that it is sent, and shares nothing with the other threads. What happens is told in batches: a message for each of
 * a thousand small files a second would cost as much as a good part of the files.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { SkyhaulError, toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import type { RunEvent } from '../lib/run-context.ts';
import { awsVault } from '../lib/transfer/read-secret.ts';
import { transferShard } from '../lib/transfer/transfer-shard.ts';
import { loadModule } from './load-module.ts';
import { sharedContext } from './shared-context.ts';
import { openStores, stateOf } from './stores.ts';
import type { FromThread, ThreadJob, ToThread } from './thread-messages.ts';

const TELL_MS = 50;

const job = workerData as ThreadJob;
const stop = new AbortController();
const stores = openStores(job);
const vault = awsVault({ region: job.region });
const userModule = job.module === undefined ? undefined : loadModule(job.module, job.cwd);
// Whoever needs it hears of it; nobody may.
userModule?.catch(() => undefined);

let events: RunEvent[] = [];
const tell = (message: FromThread) => parentPort?.postMessage(message);
const tellEvents = () => {
  if (events.length > 0) tell({ kind: 'events', events });
  events = [];
};
const telling = setInterval(tellEvents, TELL_MS);

const context = sharedContext(
  {
    ...job,
    state: stores.open(stateOf(job.to)),
    stores,
    now: Date.now,
    random: Math.random,
    signal: stop.signal,
    emit: (event) => void events.push(event),
    ...(userModule && { userModule: () => userModule }),
    ...(job.secrets.length > 0 && { vault: { bindings: job.secrets, read: vault.read } }),
  },
  job.execution,
);

parentPort?.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'transfer':
      return void transfer(message);
    case 'stop':
      return stop.abort(new SkyhaulError('Interrupted', 'the run was stopped'));
    case 'end':
      return void end();
  }
});

async function transfer({ id, event, attempt, memoryBytes }: ToThread & { kind: 'transfer' }): Promise<void> {
  try {
    const answer = await transferShard(event, { ...context, attempt, memoryBytes });
    tellEvents();
    tell({ kind: 'answered', id, answer });
  } catch (thrown) {
    const { name, message, details } = toSkyhaulError(thrown);
    tellEvents();
    tell({ kind: 'failed', id, error: { name, message, details } });
  }
}

async function end(): Promise<void> {
  clearInterval(telling);
  vault.close();
  await stores.close();
  parentPort?.close();
}
