/**
 * The Python environment that LocalStack runs in: a venv below `.cache/localstack` of the checkout, filled from
 * `host-pins.txt` and made once; a stamp with the pins' digest makes later starts quick. Nothing outside `.cache` is
 * written, nothing is installed into the system's Python.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { lock } from './lock.ts';

const run = promisify(execFile);

/** The last LocalStack that is free of tokens and runs on Python 3.11. */
const LOCALSTACK = 'localstack-core==4.9.2';
const PYTHONS = ['python3.11', 'python3.12', 'python3.13', 'python3'];
const PROBE = 'import sys, venv, ensurepip; sys.exit(0 if sys.version_info >= (3, 11) else 1)';

/** Ignored by git; nothing outside of it is written. */
export const pythonCache = join(import.meta.dirname, '..', '.cache', 'localstack');
const pinsFile = join(import.meta.dirname, 'host-pins.txt');

/** Path of a Python that has LocalStack; makes the venv first where there is none, or one of other pins. */
export async function preparePython(log: (line: string) => void): Promise<string> {
  const venv = join(pythonCache, 'venv');
  const python = join(venv, 'bin', 'python');
  const stamp = createHash('sha256')
    .update(LOCALSTACK)
    .update(await readFile(pinsFile))
    .digest('hex');
  const isReady = async () => (await readFile(join(venv, 'stamp'), 'utf8').catch(() => '')) === stamp;
  if (await isReady()) return python;

  await mkdir(pythonCache, { recursive: true });
  const unlock = await lock(join(pythonCache, 'lock'), log);
  try {
    if (await isReady()) return python;
    const base = await findPython();
    log(`making ${venv} with ${base} (about a minute and 500 MB, once)`);
    await rm(venv, { recursive: true, force: true });
    await must(base, ['-m', 'venv', venv]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
    await must(python, [...pip, '-r', pinsFile]);
    await must(python, [...pip, LOCALSTACK]);
    await writeFile(join(venv, 'stamp'), stamp);
    return python;
  } finally {
    await unlock();
  }
}

async function findPython(): Promise<string> {
  for (const python of PYTHONS) {
    const works = await run(python, ['-c', PROBE]).then(
      () => true,
      () => false,
    );
    if (works) return python;
  }
  throw new Error(
    'LocalStack needs either a Docker engine that answers (with the compose plugin), or Python 3.11 or newer with venv; ' +
      `there is no such engine, and none of ${PYTHONS.join(', ')} on PATH will do. Start Docker, or install Python, on ` +
      'Debian and Ubuntu with: apt-get install python3 python3-venv. The tests of `npm run test:unit` need neither.',
  );
}

async function must(command: string, args: readonly string[]): Promise<void> {
  await run(command, [...args], { maxBuffer: 64 * 1024 * 1024 }).catch((error: unknown) => {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().slice(-2_000) : '';
    throw new Error(`${command} ${args.join(' ')} failed:\n${output}`, { cause: error });
  });
}
