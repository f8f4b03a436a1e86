/**
 * Runs a command in a process group of its own and ends the whole group when standard input closes. The pipe closes
 * however its holder dies (Ctrl-C, SIGKILL, a crash), so no LocalStack outlives the test run that started it. At the end
 * it runs a second command, for what the first one leaves outside of its group.
 * Usage: node watchdog.ts <WatchdogOrders as JSON>
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

export interface WatchdogOrders {
  /** Command and arguments. */
  readonly run: readonly string[];
  readonly afterwards: readonly string[];
  /** Between SIGTERM and SIGKILL: LocalStack sometimes hangs on the first. */
  readonly graceMs: number;
  /** Directory that goes at the end. */
  readonly scratch: string;
}

/** Ends what `orders.run` started when the `stdin` of the returned process is ended, or its holder dies. */
export function startWatchdog(orders: WatchdogOrders, log: number, env: NodeJS.ProcessEnv): ChildProcess {
  const args = [import.meta.filename, JSON.stringify(orders)];
  return spawn(process.execPath, args, { detached: true, stdio: ['pipe', log, log], env });
}

function main({ run, afterwards, graceMs, scratch }: WatchdogOrders): void {
  const child = start(run, true);
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    signalGroup(child, 'SIGTERM');
    setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
  };
  process.stdin.on('end', stop).on('error', stop).resume();
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', stop);
  child.on('exit', (code) => {
    // What it may have left in its group.
    signalGroup(child, 'SIGKILL');
    start(afterwards, false).on('exit', () => {
      rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
      process.exit(stopping ? 0 : (code ?? 1));
    });
  });
}

function start([command = '', ...args]: readonly string[], detached: boolean): ChildProcess {
  return spawn(command, args, { detached, stdio: ['ignore', 'inherit', 'inherit'] }).on('error', (error) => {
    console.error(error.message);
    process.exit(127);
  });
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone.
  }
}

if (process.argv[1] === import.meta.filename) main(JSON.parse(process.argv[2] ?? ''));
