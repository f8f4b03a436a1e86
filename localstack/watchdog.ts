/**
 * Runs a command in a process group of its own and ends the whole group when standard input closes. The pipe closes
 * however its holder dies (Ctrl-C, SIGKILL, a crash), so no LocalStack outlives the test run that started it.
 * Usage: node watchdog.ts <directory to remove at the end> <command> [argument …]
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

/** LocalStack sometimes hangs on SIGTERM. */
const GRACE_MS = 5_000;

const [scratch = '', command = '', ...args] = process.argv.slice(2);
const child = spawn(command, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });

function signalGroup(signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
}

let stopping = false;
function stop(): void {
  if (stopping) return;
  stopping = true;
  signalGroup('SIGTERM');
  setTimeout(() => signalGroup('SIGKILL'), GRACE_MS);
}

process.stdin.on('end', stop).on('error', stop).resume();
process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', stop);
child.on('error', (error) => {
  console.error(error.message);
  process.exit(127);
});
child.on('exit', (code) => {
  // What it may have left in its group.
  signalGroup('SIGKILL');
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  process.exit(stopping ? 0 : (code ?? 1));
});
