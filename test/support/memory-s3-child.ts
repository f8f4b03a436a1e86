import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type MemoryS3Options, STATE_PATH } from './memory-s3.ts';
import type { Summary } from './memory-s3-view.ts';

const script = join(import.meta.dirname, 'memory-s3-process.ts');

/** The memory S3 in a process of its own, whose memory is not that of the test. It cannot outlive this process. */
export async function startMemoryS3Child(options: MemoryS3Options = {}) {
  const child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line]: string[] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exited.then(([code]) => Promise.reject(new Error(`the memory S3 ended with ${code}`))),
  ]);
  const { endpoint }: { endpoint: string } = JSON.parse(line ?? '');
  return {
    endpoint,
    pid: child.pid,
    async summary(): Promise<Summary> {
      const answer = await fetch(endpoint + STATE_PATH);
      const summary: Summary = JSON.parse(await answer.text());
      return summary;
    },
    async close(): Promise<void> {
      child.stdin.end();
      await exited;
    },
  };
}
