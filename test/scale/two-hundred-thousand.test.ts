import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Outcome } from '../../lib/contract/outcome.ts';
import type { Summary } from '../../lib/contract/summary.ts';

const LINES = Number(process.env.SKYHAUL_SCALE_LINES ?? 200_000);
const root = new URL('../../', import.meta.url).pathname;
let folder: string;
let origin: ChildProcess;
let port: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyhaul-scale-'));
  origin = spawn(process.execPath, [join(root, 'test/scale/tiny-origin.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [said] = await once(origin.stdout ?? origin, 'data');
  port = String(said).trim();
});

afterAll(async () => {
  origin.stdin?.end();
  await rm(folder, { recursive: true, force: true });
});

it(`${LINES} lines of tiny files run to their end on one machine, one outcome for each`, async () => {
  const list = join(folder, 'list.txt');
  const urls = Array.from(
    { length: LINES },
    (_, index) => `http://127.0.0.1:${port}/${index % 500}/file-${index}.txt\n`,
  );
  await writeFile(list, urls.join(''));
  const to = join(folder, 'downloads');
  const startedAt = Date.now();

  const args = ['cli/skyhaul.mjs', 'run', list, '--to', to, '--allow-network', '127.0.0.1/32', '--json', '--quiet'];
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last = '';
  let peakBytes = 0;
  const watch = setInterval(
    () => void peakMemory(child.pid).then((bytes) => (peakBytes = Math.max(peakBytes, bytes))),
    500,
  );
  for await (const line of createInterface({ input: child.stdout })) last = line;
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  clearInterval(watch);
  const summary = JSON.parse(last) as Summary;

  const seconds = (Date.now() - startedAt) / 1_000;
  console.log(
    `${LINES} lines: ${seconds.toFixed(1)} s, ${Math.round(LINES / seconds)} a second, peak ${Math.round(peakBytes / 1e6)} MB`,
  );
  expect(code).toBe(0);
  expect(summary.counts).toEqual({ stored: LINES, skipped: 0, failed: 0 });
  expect(await countOutcomes(summary.report)).toBe(LINES);
  const index = LINES - 1;
  const key = `127.0.0.1_${port}/${index % 500}/file-${index}.txt`;
  expect(await readFile(join(to, key), 'utf8')).toBe(`/${index % 500}/file-${index}.txt`);
  expect((await stat(summary.failed)).size).toBe(0);
});

/** VmHWM of Linux; 0 elsewhere. */
async function peakMemory(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
}

/** Lines in order, none missing, none twice. */
async function countOutcomes(report: string): Promise<number> {
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(report) })) {
    count += 1;
    if ((JSON.parse(line) as Outcome).line !== count) return Number.NaN;
  }
  return count;
}
