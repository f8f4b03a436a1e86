/**
 * Whole runs whose Transfer stands alone in its process: origin, S3 and every attempt on a shard are processes of their
 * own, Plan and Report run in the test. The time is the real one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { bundleOptions } from '../../cdk/bundle.ts';
import { NODE_ENVIRONMENT } from '../../cdk/node-environment.ts';
import { MiB } from '../../lib/contract/limits.ts';
import type { PlanAnswer } from '../../lib/contract/machine.ts';
import type { Outcome } from '../../lib/contract/outcome.ts';
import { getLines } from '../../lib/ledger/json-lines.ts';
import { runKeys } from '../../lib/ledger/run-keys.ts';
import { planRun } from '../../lib/plan/plan-run.ts';
import { reportRun } from '../../lib/report/report-run.ts';
import { contentCrc32 } from './memory-content.ts';
import { BUCKET, memoryContext, type Surroundings, TO, UNDER } from './memory-context.ts';
import type { MemoryOriginOptions, MemoryOriginState } from './memory-origin-process.ts';
import type { MemoryS3Options } from './memory-s3.ts';
import { startMemoryS3Child } from './memory-s3-child.ts';
import type { SeenObject } from './memory-s3-view.ts';
import type { WorkerJob, WorkerResult } from './memory-worker-process.ts';
import { makeCertificate } from './origin-certificate.ts';

const RUN = 'r';
const execution = { id: 'execution-1', name: 'execution-1', startedAt: '2026-11-24T08:00:00Z' };

export interface RigOptions {
  readonly origin?: MemoryOriginOptions;
  readonly s3?: MemoryS3Options;
  readonly worker?: Partial<Omit<Surroundings, 'endpoint'>>;
}

export interface RunFigures {
  readonly outcomes: readonly Outcome[];
  readonly rounds: number;
  readonly seconds: number;
  readonly workers: readonly WorkerResult[];
  /** Most workers at work in one round. */
  readonly maxWorkers: number;
  readonly objects: readonly SeenObject[];
  readonly openUploads: number;
  /** Requests that the S3 got. */
  readonly counts: Partial<Record<string, number>>;
  readonly origin: MemoryOriginState;
}

/** Fetches files of these sizes, numbered from 0, in one run. */
export async function runFiles(sizes: readonly number[], options: object, rig: RigOptions = {}): Promise<RunFigures> {
  const startedAt = performance.now();
  // As in production: TLS has buffers of its own.
  const tls = makeCertificate();
  const s3 = await startMemoryS3Child({ buckets: [BUCKET], mode: 'digest', digestUnder: UNDER, tls, ...rig.s3 });
  const origin = await startProcess(pathOf('memory-origin-process.ts'), rig.origin ?? {});
  const { port }: { port: number } = JSON.parse(await origin.line());
  const surroundings = { endpoint: s3.endpoint, ca: tls.cert, memoryBytes: 256 * MiB, ...rig.worker };
  const context = memoryContext(surroundings, 'plan', () => undefined);
  const workers: WorkerResult[] = [];
  let [rounds, maxWorkers] = [0, 0];
  try {
    const items = sizes.map((bytes, file) => ({ url: `http://127.0.0.1:${port}/${bytes}/${file}`, key: keyOf(file) }));
    let plan = await planRun({ execution, input: { run: RUN, items, to: TO, options } }, context);
    for (; plan.next !== 'report'; plan = await planRun({ execution, input: plan }, context)) {
      if (plan.next !== 'fan-out') throw new Error(`Plan says ${plan.next}`);
      const results = await Promise.all(plan.shards.map((_, at) => work(plan, at, surroundings)));
      workers.push(...results);
      rounds += 1;
      maxWorkers = Math.max(maxWorkers, results.length);
    }
    await reportRun({ run: RUN }, context);
    const outcomes: Outcome[] = [];
    for await (const line of getLines(context.state, runKeys(RUN).report)) outcomes.push(line as Outcome);
    const { counts, objects, uploads } = await s3.summary();
    const state = await fetch(`http://127.0.0.1:${port}/-/state`);
    return {
      outcomes,
      rounds,
      seconds: (performance.now() - startedAt) / 1_000,
      workers,
      maxWorkers,
      objects: objects.filter(({ key }) => key.startsWith(UNDER)),
      openUploads: uploads.length,
      counts,
      origin: (await state.json()) as MemoryOriginState,
    };
  } finally {
    await context.state.close();
    await origin.end();
    await s3.close();
  }
}

/** What the bucket must hold behind `runFiles`. */
export function wantedObjects(sizes: readonly number[]) {
  return sizes.map((bytes, file) => ({ key: UNDER + keyOf(file), bytes, crc32: contentCrc32(file, bytes) }));
}

const keyOf = (file: number) => `file-${file}`;

async function work({ run, round, shards }: PlanAnswer, at: number, surroundings: Surroundings): Promise<WorkerResult> {
  const shard = shards[at];
  if (shard === undefined) throw new Error('no shard');
  const job: WorkerJob = { ...surroundings, event: { run, round, shard }, attempt: `round-${round}-shard-${at}` };
  const worker = await startProcess(await bundled(), job, lambdaFlags(surroundings.memoryBytes));
  const result: WorkerResult = JSON.parse(await worker.line());
  await worker.end();
  return result;
}

/** As Lambda's runtime starts Node. */
function lambdaFlags(memoryBytes: number): string[] {
  const share = (percent: number) => Math.floor((memoryBytes / MiB / 100) * percent);
  return ['--expose-gc', `--max-semi-space-size=${share(5)}`, `--max-old-space-size=${share(90)}`];
}

let bundling: Promise<string> | undefined;

/** Path of the worker as it would be deployed: one minified file, no types to strip at its start. */
async function bundled(): Promise<string> {
  bundling ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skyhaul-memory-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const outfile = join(folder, 'worker.mjs');
    await build({ ...bundleOptions('transfer', outfile), entryPoints: [pathOf('memory-worker-process.ts')] });
    return outfile;
  })();
  return bundling;
}

const pathOf = (script: string) => join(import.meta.dirname, script);

/** Its options stand in its first argument. It cannot outlive this process. */
async function startProcess(script: string, options: object, flags: readonly string[] = []) {
  const args = [...flags, script, JSON.stringify(options)];
  const child: ChildProcess = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...NODE_ENVIRONMENT },
  });
  const exited = once(child, 'exit');
  if (!child.stdout) throw new Error('no stdout');
  const first = once(createInterface(child.stdout), 'line');
  return {
    line: async (): Promise<string> => {
      const failed = exited.then(([code]) => Promise.reject(new Error(`${script} ended with ${code}`)));
      const [line]: string[] = await Promise.race([first, failed]);
      return line ?? '';
    },
    end: async (): Promise<void> => {
      child.stdin?.end();
      await exited;
    },
  };
}
