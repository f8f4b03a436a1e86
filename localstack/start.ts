/**
 * `npm run localstack [-- --port 4566] [-- --services s3,lambda]`: LocalStack for people, until Ctrl-C. One that already
 * listens there is told, and left alone.
 */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { parseArgs } from 'node:util';
import { readHealth, SERVICES } from './instance.ts';
import { startLocalStack } from './start-localstack.ts';

const DEFAULT_PORT = '4566';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { services: { type: 'string' }, port: { type: 'string', default: DEFAULT_PORT } },
  });
  const port = Number(values.port);
  const occupant = port === 0 ? undefined : await findOccupant(port);
  if (occupant !== undefined) {
    console.error(occupant);
    process.exitCode = 1;
    return;
  }
  const stopping = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));
  const localStack = await startLocalStack({ services: values.services?.split(',') ?? SERVICES, port });
  console.log(localStack.endpoint);
  await stopping;
  await localStack.stop();
}

/** Who listens on the port, and what to do about it. */
async function findOccupant(port: number): Promise<string | undefined> {
  const health = await readHealth(`http://127.0.0.1:${port}`);
  if (health !== undefined) {
    return (
      `LocalStack ${health.version} already listens on http://127.0.0.1:${port}: use that one as it is, or end it first ` +
      `(Ctrl-C where it was started; 'docker ps' or 'lsof -i :${port}' tell whose it is). Another port: --port 0`
    );
  }
  const socket = createConnection(port, '127.0.0.1');
  const isTaken = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isTaken ? `port ${port} is taken by a program that is not LocalStack. Another port: --port 0` : undefined;
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
