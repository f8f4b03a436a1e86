import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Start } from './racers.ts';

export interface Measured {
  readonly seconds: number;
  /** User and system time of the command and all that it waited for. */
  readonly cpuSeconds: number;
}

/** Bash adds up what its children used, and theirs. */
const SCRIPT = `TIMEFORMAT='measured %R %U %S'; time "$@"`;

/** Runs it, and what follows it, to the end. Throws when it fails, with what it said. */
export async function measure({ command, words, env, next }: Start, cwd: string): Promise<Measured> {
  const child = spawn('bash', ['-c', SCRIPT, 'race', command, ...words], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  const hear = (text: string) => {
    said.push(text);
    if (said.length > 1_000) said.splice(0, 500);
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  const [code] = await once(child, 'close');
  const text = said.join('');
  const found = /measured ([\d.]+) ([\d.]+) ([\d.]+)/.exec(text);
  if (code !== 0 || !found) throw new Error(`${command} ended with ${code}: ${text.slice(-2_000)}`);
  const [seconds = 0, user = 0, system = 0] = found.slice(1).map(Number);
  if (!next) return { seconds, cpuSeconds: user + system };
  const second = await measure(next, cwd);
  return { seconds: seconds + second.seconds, cpuSeconds: user + system + second.cpuSeconds };
}
