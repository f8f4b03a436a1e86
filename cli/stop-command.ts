import { exitCode } from './exit-code.ts';
import { deployedCommand } from './next-command.ts';
import { reportedLines } from './reported-lines.ts';
import type { Surroundings } from './run-command.ts';
import { inSessionOrTo } from './session.ts';
import type { StackFlags } from './stack-flags.ts';
import { stopRun } from './stop-run.ts';
import { watchStopSignals } from './stop-signals.ts';
import { readSummary } from './watch-run.ts';

export interface StopFlags {
  readonly run: string;
  readonly deployment: StackFlags;
  readonly waitMs: number | undefined;
  readonly json: boolean;
}

/** Longer than a worker can live. */
const DEFAULT_WAIT_MS = 20 * 60_000;

/** `skyhaul stop`: ends a run of the deployment and says what there is. Returns the exit code. */
export async function stopCommand(flags: StopFlags, around: Surroundings): Promise<number> {
  const { run, deployment } = flags;
  const say = (...lines: readonly string[]) => around.stderr.write(`${lines.join('\n')}\n`);
  const stop = new AbortController();
  const unwatch = watchStopSignals(around.signals, {
    now: around.now,
    onFirst: () => stop.abort(),
    onSecond: () => around.leave(exitCode.interrupted),
  });
  try {
    return await inSessionOrTo(deployment, async (session) => {
      const until = around.now() + (flags.waitMs ?? DEFAULT_WAIT_MS);
      const stopped = await stopRun(session, { run, say, now: around.now, until, signal: stop.signal });
      const command = (...words: string[]) => deployedCommand(words, deployment);
      if (stopped !== 'clean') {
        say('The hourly janitor does the rest. Afterwards, read the report:', `  ${command('report', run)}`);
        return stopped === 'timeout' ? exitCode.waitTimedOut : exitCode.done;
      }
      const summary = await readSummary(session.state, run);
      if (!summary) {
        say('It had not begun to work, so there is nothing to report.');
        return exitCode.done;
      }
      if (flags.json) around.stdout.write(`${JSON.stringify(summary)}\n`);
      const retry = () => ({ command: command('redrive', run) });
      say(...(await reportedLines(session.state, { summary, cwd: around.cwd, retry })));
      say('', 'Continue the run:', `  ${command('submit', '--run', run)}`);
      return exitCode.done;
    });
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown;
    say('Nobody waits any more; the hourly janitor does the rest.');
    return exitCode.interrupted;
  } finally {
    unwatch();
  }
}
