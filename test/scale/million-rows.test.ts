import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const LINES = 1_000_000;
const script = new URL('./million-rows.ts', import.meta.url).pathname;

async function inLambda(folder: string, secondsLeft: number, ...more: string[]) {
  // 1,024 MiB, of which V8 gets what a Lambda of that size leaves it.
  const args = ['--max-old-space-size=768', script, folder, String(LINES), String(secondsLeft), ...more];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return stdout === '' ? undefined : JSON.parse(stdout);
}

it('a million lines are folded and reported within the time and the memory of a Lambda of 1,024 MiB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'skyhaul-million-'));
  await inLambda(folder, 900, '--generate');

  // 200 s at a time are too few for two passes: Plan and Report must ask for another invocation, and go on from there.
  const figures = await inLambda(folder, 200);

  console.log(JSON.stringify(figures));
  expect(figures.summary.counts).toEqual({ stored: 990_000, skipped: 0, failed: 10_000 });
  expect(figures.foldSeconds).toBeLessThan(900);
  expect(figures.reportSeconds).toBeLessThan(900);
  expect(figures.peakMB).toBeLessThan(1_024);
  expect((await stat(figures.summary.report)).size).toBeGreaterThan(LINES * 100);
  await rm(folder, { recursive: true, force: true });
});
