/**
 * What must be done once when several processes of a checkout come to it together: the venv, the bootstrap. A file that
 * names its holder; the lock of a process that died is taken over.
 */
import { open, readFile, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves with the release, when nobody else holds the lock of that file. Its folder must exist. */
export async function lock(file: string, log: (line: string) => void): Promise<() => Promise<void>> {
  for (let waited = 0; ; waited += 1) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => rm(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    if (waited === 0) log(`waiting for another process (${file})`);
    if (!(await isHeld(file))) await rm(file, { force: true });
    await sleep(500);
  }
}

async function isHeld(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text === '') {
    // Between its making and the writing of the pid.
    const made = await stat(file).catch(() => undefined);
    return made !== undefined && Date.now() - made.mtimeMs < 5_000;
  }
  try {
    process.kill(Number(text), 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
