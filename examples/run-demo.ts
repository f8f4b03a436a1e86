import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitCode } from '../cli/exit-code.ts';
import { demoFiles } from './demo-files.ts';
import { DEMO_PORT, startDemoOrigin } from './demo-origin.ts';

/**
 * The demo: a small web server on this machine, and `skyhaul run` as anyone would call it. Afterwards every stored file
 * is compared with what the server serves. Exits with 0 only when that holds and nothing but the missing file failed.
 */
const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const TO = 'downloads';
const ARGUMENTS = ['run', 'examples/demo.jsonl', '--to', `./${TO}`, '--allow-network', '127.0.0.1/32'];
const MISSING = 'missing.bin';

const say = (text = '') => console.error(text);

async function demo(): Promise<number> {
  const origin = await startDemoOrigin().catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    say(`demo: port ${DEMO_PORT} of 127.0.0.1 is taken, perhaps by another demo. End what uses it, then try again.`);
    return undefined;
  });
  if (!origin) return exitCode.usage;
  try {
    say(
      `A web server on 127.0.0.1:${DEMO_PORT} serves ten files, 310 MiB: one is cut in the middle and one is missing.`,
    );
    say();
    say(`  $ npx skyhaul ${ARGUMENTS.join(' ')}`);
    say();
    const code = await skyhaul();
    if (code !== exitCode.itemsFailed) {
      say(`\ndemo: expected exit code ${exitCode.itemsFailed}, for the missing file; found ${code}.`);
      return code === exitCode.done ? exitCode.unexpected : code;
    }
    say(
      `\nExit code ${code}, as it should be: some items failed, and the one that did, ${MISSING}, is not there to be had.`,
    );
    return await compare();
  } finally {
    await stop(origin);
  }
}

/** Ctrl-C reaches the child by itself; the demo waits until it has cleaned up. */
async function skyhaul(): Promise<number> {
  const wait = () => {};
  process.on('SIGINT', wait);
  const child = spawn(process.execPath, ['cli/skyhaul.mjs', ...ARGUMENTS], { cwd: PROJECT, stdio: 'inherit' });
  const [code] = (await once(child, 'close')) as [number | null];
  process.off('SIGINT', wait);
  return code ?? exitCode.interrupted;
}

async function compare(): Promise<number> {
  const different: string[] = [];
  const items = readItems().filter(({ key }) => key !== MISSING);
  for (const { url, key } of items) {
    // The redirect leads to the file of the same name.
    const file = demoFiles[new URL(url).pathname.replace('/latest/', '/')];
    const wanted = file && (await digest(file.read(0, file.bytes)));
    const found = await digest(createReadStream(join(PROJECT, TO, key))).catch(() => 'no file');
    if (wanted !== found) different.push(key);
  }
  if (different.length > 0) {
    say(`demo: not what the server serves: ${different.join(', ')}`);
    return exitCode.unexpected;
  }
  say(`All ${items.length} files are what the server serves, by SHA-256.`);
  say('\nYour own list, one URL a line:\n');
  say(`  $ npx skyhaul run my-list.txt --to ./${TO}`);
  return exitCode.done;
}

function readItems(): { url: string; key: string }[] {
  const lines = readFileSync(join(PROJECT, 'examples/demo.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as { url: string; key: string });
}

async function digest(bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest('hex');
}

async function stop(origin: Server): Promise<void> {
  origin.close();
  origin.closeAllConnections();
  await once(origin, 'close');
}

process.exitCode = await demo();
