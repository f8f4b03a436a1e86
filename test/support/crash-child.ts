/** One process of a run: takes a job as a line of JSON, works on it until it ends or is struck, and says what it did. */
import { subscribe } from 'node:diagnostics_channel';
import { openSync, writeSync } from 'node:fs';
import { link } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { PlanAnswer } from '../../lib/contract/machine.ts';
import { cleanRun } from '../../lib/janitor/clean-run.ts';
import { planRun } from '../../lib/plan/plan-run.ts';
import { reportRun } from '../../lib/report/report-run.ts';
import type { RunContext } from '../../lib/run-context.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';
import type { ObjectStore } from '../../lib/store/object-store.ts';
import { createS3Client } from '../../lib/store/s3-client.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { transferShard } from '../../lib/transfer/transfer-shard.ts';
import { wireFiles } from './crash-files.ts';
import type { Job, Said } from './crash-job.ts';
import { wiredStore } from './crash-store.ts';
import { Tripwire } from './crash-trip.ts';

const LAMBDA_MS = 15 * 60_000;
const MAX_PLANS = 200;

const lines = createInterface(process.stdin);
const [line = ''] = await new Promise<string[]>((resolve) => {
  lines.once('line', (given) => resolve([given]));
  lines.once('close', () => process.exit());
});
const job: Job = JSON.parse(line);
const wire = new Tripwire();
let aheadMs = job.aheadMs;
let attempts = 0;
await wireFiles(wire);
meterSource(job.meter);
// Of a worker only the work on its shards counts, not the plan before it.
wire.arm(job.work.kind === 'shard' ? undefined : job.trip);
await work();
say({ counts: wire.counts });
process.exit();

async function work(): Promise<void> {
  const { work } = job;
  switch (work.kind) {
    case 'run':
      return goOn(await plan(work.input));
    case 'go-on':
      if (work.withShards) await transfer(work.plan);
      return goOn(await plan(work.plan));
    case 'shard': {
      const planned = await plan(work.input);
      say({ plan: planned });
      wire.arm(job.trip);
      return transfer(planned);
    }
    case 'clean':
      await cleanRun(work.run, context());
  }
}

async function goOn(first: PlanAnswer): Promise<void> {
  let answer = first;
  for (let plans = 0; answer.next !== 'report'; plans += 1) {
    if (plans === MAX_PLANS) throw new Error('the run does not end');
    if (answer.next === 'wait') aheadMs += answer.waitSeconds * 1_000;
    if (answer.next === 'fan-out') await transfer(answer);
    answer = await plan(answer);
  }
  await reportRun({ run: answer.run }, context());
}

function plan(input: unknown): Promise<PlanAnswer> {
  const execution = { id: job.execution, name: job.execution, startedAt: '2026-11-24T08:00:00Z' };
  return planRun({ execution, input }, context());
}

async function transfer({ run, round, shards }: PlanAnswer): Promise<void> {
  await Promise.all(
    shards.map(async (shard) => {
      for (let next = 'continue'; next === 'continue'; )
        next = (await transferShard({ run, round, shard }, context())).next;
    }),
  );
}

function context(): RunContext {
  const now = () => Date.now() + aheadMs;
  attempts += 1;
  return {
    state: open('.skyhaul', {}),
    openDestination: () => open('', job.limits),
    openManifest: () => Promise.reject(new Error('no manifest here')),
    now,
    random: () => 0,
    signal: new AbortController().signal,
    deadline: job.inProcess ? undefined : now() + LAMBDA_MS,
    attempt: `${job.attempt}-${attempts}`,
    memoryBytes: job.memoryBytes,
    inProcess: job.inProcess,
    allowNetworks: ['127.0.0.0/8'],
    maxShards: 40,
    concurrency: { default: 4, ceiling: 40 },
    owner: { execution: job.execution },
    // Whoever starts a second process knows that the first one is dead.
    isAlive: () => Promise.resolve(false),
    emit: () => undefined,
  };
}

function open(below: string, limits: Job['limits']): ObjectStore {
  return wiredStore(openPlace(job.place, below), wire, limits);
}

function openPlace(place: Job['place'], below: string): ObjectStore {
  if (place.kind === 'local') {
    return openLocalStore(join(place.root, below), { now: () => Date.now() + job.locksAheadMs, link });
  }
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = createS3Client({ endpoint: place.endpoint, region: 'us-east-1', credentials });
  return openS3Store({ client, bucket: below === '' ? 'data' : 'state', prefix: '' });
}

function meterSource(path: string): void {
  const file = openSync(path, 'w');
  const bytes = Buffer.alloc(8);
  let received = 0;
  subscribe('undici:request:bodyChunkReceived', (message) => {
    const { chunk } = message as { chunk: Uint8Array };
    received += chunk.length;
    bytes.writeBigUInt64LE(BigInt(received));
    writeSync(file, bytes, 0, 8, 0);
    wire.pass('bytes', 'after', chunk.length);
  });
}

function say(said: Said): void {
  writeSync(1, `${JSON.stringify(said)}\n`);
}
