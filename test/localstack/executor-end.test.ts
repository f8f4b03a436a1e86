import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startOnHost } from '../../localstack/host.ts';
import { Functions } from '../support/localstack-functions.ts';
import { running, untilGone } from '../support/localstack-processes.ts';

const start = join(import.meta.dirname, '../../localstack/start.ts');

/** Never ends by itself, whatever closes, and has a child that left its process group. */
const STUBBORN = `
  import { spawn } from 'node:child_process';
  import { writeFileSync } from 'node:fs';
  export const handler = async ({ file }) => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore', detached: true });
    writeFileSync(file, JSON.stringify([process.pid, child.pid]));
    for (;;);
  };`;

async function startStubborn(endpoint: string): Promise<readonly number[]> {
  const file = join(tmpdir(), `stubborn-${process.pid}-${new URL(endpoint).port}.json`);
  const stubborn = await new Functions(endpoint).create(STUBBORN, { timeoutSeconds: 600 });
  // Its LocalStack goes away under it.
  stubborn.invoke({ file }).catch(() => {});
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text.endsWith(']')) return JSON.parse(text);
    await sleep(50);
  }
}

test('no process of a function is left when LocalStack has stopped', async () => {
  const localStack = await startOnHost();
  onTestFinished(() => localStack.stop());
  const pids = await startStubborn(localStack.endpoint);
  expect(await running(pids)).toEqual(pids);

  await localStack.stop();

  expect(await running(pids)).toEqual([]);
});

test('processes of functions end with the process that started LocalStack, however it dies', async () => {
  const holder = spawn(process.execPath, [start, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, SKYHAUL_LOCALSTACK: 'host' },
  });
  const [line] = await once(holder.stdout, 'data');
  const pids = await startStubborn(String(line).trim());
  expect(await running(pids)).toEqual(pids);

  holder.kill('SIGKILL');

  await untilGone(pids);
});
