import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { needsLocalStack, PROJECT, readReadmeCommands } from '../cli/readme-commands.ts';
import { ENTRY, startProcess } from '../cli/skyhaul-process.ts';
import { listen } from './runs.ts';

let localStack: ChildProcess | undefined;
let server: Server | undefined;
let folder: string | undefined;

afterAll(async () => {
  server?.close().closeAllConnections();
  if (localStack?.pid !== undefined && localStack.exitCode === null) {
    const ended = once(localStack, 'exit');
    // As Ctrl-C does: the whole group.
    process.kill(-localStack.pid, 'SIGINT');
    await ended;
  }
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

it('a list runs on LocalStack with the three lines of README.md', async () => {
  const [start = '', deploy = '', submit = '', ...others] = (await readReadmeCommands()).filter(needsLocalStack);
  expect(others).toEqual([]);
  const port = await freePort();
  folder = await mkdtemp(join(tmpdir(), 'skyhaul-three-lines-'));
  const origin = await listen(({ url: path }, response) => response.end(`body of ${path}`));
  server = origin.server;
  await writeFile(join(folder, 'my-list.txt'), `${origin.url}/a\n${origin.url}/b\n`);
  await writeFile(join(folder, 'npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${ENTRY}' "$@"\n`);
  await chmod(join(folder, 'npx'), 0o755);
  const env = { PATH: [folder, process.env.PATH].join(delimiter) };

  localStack = spawn('sh', ['-c', `${start} -- --port ${port}`], {
    cwd: PROJECT,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await ready(localStack, port);
  const deployed = await startProcess('sh', ['-c', `${deploy} --port ${port}`], { cwd: PROJECT }).ended;
  const here = submit.replaceAll('127.0.0.1:4566', `127.0.0.1:${port}`);
  const submitted = await startProcess('sh', ['-c', here], { cwd: folder, env }).ended;

  expect(deployed, deployed.stderr).toMatchObject({ code: 0 });
  expect(deployed.stdout).toContain('SkyhaulStateMachineArn');
  expect(submitted, submitted.stderr).toMatchObject({ code: 0 });
  expect(submitted.stderr).toMatch(/stored +2/);
});

/** It says its endpoint when it is ready. */
async function ready(child: ChildProcess, port: number): Promise<void> {
  let said = '';
  for await (const chunk of child.stdout ?? []) {
    said += String(chunk);
    if (said.includes(`http://127.0.0.1:${port}`)) return;
  }
  throw new Error(`LocalStack did not start: ${said}`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
