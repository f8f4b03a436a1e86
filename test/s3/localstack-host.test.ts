import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startLocalStack } from '../../localstack/start-localstack.ts';

const command = join(import.meta.dirname, '../../localstack/start.ts');

test('LocalStack answers on a free loopback port, and is gone when stop resolves', async () => {
  const localStack = await startLocalStack({ services: ['s3'] });
  expect(localStack.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await accepts(localStack.endpoint)).toBe(true);

  await localStack.stop();

  expect(await accepts(localStack.endpoint)).toBe(false);
});

test('LocalStack does not outlive a killed process that started it', async () => {
  const holder = spawn(process.execPath, [command, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(holder.stdout, 'data');
  const endpoint = String(line).trim();
  expect(await accepts(endpoint)).toBe(true);

  holder.kill('SIGKILL');

  while (await accepts(endpoint)) await sleep(50);
});

async function accepts(endpoint: string): Promise<boolean> {
  const socket = createConnection(Number(new URL(endpoint).port), '127.0.0.1');
  const isOpen = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'close').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return isOpen;
}
