import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, inject, onTestFinished, test } from 'vitest';

const { endpoint } = inject('localStack');

test('npm run localstack tells a LocalStack that already listens on its port', async () => {
  const { port } = new URL(endpoint);

  const { code, said } = await run('start.ts', port);

  expect(code).toBe(1);
  expect(said).toMatch(/^LocalStack \d\S* already listens on http:\/\/127\.0\.0\.1:\d+: use that one/);
});

test('npm run localstack tells a port that another program has', async () => {
  const server = createServer((socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };

  const { code, said } = await run('start.ts', String(port));

  expect(code).toBe(1);
  expect(said).toContain(`port ${port} is taken by a program that is not LocalStack`);
});

test('npm run localstack:deploy says how to start the LocalStack that is missing', async () => {
  const { code, said } = await run('deploy.ts', '1');

  expect(code).toBe(1);
  expect(said).toContain(`no LocalStack answers on http://127.0.0.1:1: start one in another terminal`);
});

async function run(command: string, port: string): Promise<{ code: unknown; said: string }> {
  const file = join(import.meta.dirname, '../../localstack', command);
  const child = spawn(process.execPath, [file, '--port', port], { stdio: ['ignore', 'inherit', 'pipe'] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { code, said };
}
