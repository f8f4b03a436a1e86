import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const ENTRY = fileURLToPath(new URL('../../cli/skyhaul.mjs', import.meta.url));
export const LOOPBACK = ['--allow-network', '127.0.0.1/32'];

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

export interface ProcessOptions {
  readonly cwd: string;
  /** Open: it never ends. */
  readonly stdin?: string | Uint8Array | { readonly open: true };
  readonly env?: Readonly<Record<string, string>>;
}

/** A real `skyhaul` process, without a terminal. */
export function startSkyhaul(words: readonly string[], options: ProcessOptions): Started {
  return startProcess(process.execPath, [ENTRY, ...words], options);
}

export async function runSkyhaul(words: readonly string[], options: ProcessOptions): Promise<Ended> {
  return startSkyhaul(words, options).ended;
}

export function startProcess(command: string, words: readonly string[], options: ProcessOptions): Started {
  const child = spawn(command, words, { cwd: options.cwd, env: { ...process.env, ...options.env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A process that refuses its arguments does not wait for its input.
  child.stdin.on('error', () => {});
  const { stdin = '' } = options;
  if (typeof stdin === 'string' || stdin instanceof Uint8Array) child.stdin.end(stdin);
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { process: child, ended };
}

/** Waits for what another process brings about. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The command that a run showed below a line, as words of our own process. */
export function shownCommand(stderr: string, title: string): string {
  const lines = stderr.split('\n');
  const at = lines.findIndex((line) => line.includes(title));
  return lines[at + 1]?.trim().replace(/^npx skyhaul /, '') ?? '';
}
