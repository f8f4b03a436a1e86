import type { ObjectStore } from '../lib/store/object-store.ts';
import { EventLines } from './event-lines.ts';
import { executionFailureLines, isInputsFault } from './execution-failure.ts';
import { describeExecution, executionsOf, isRunning } from './executions.ts';
import { exitCode, exitCodeOf } from './exit-code.ts';
import { deployedCommand } from './next-command.ts';
import { reportedLines } from './reported-lines.ts';
import type { Surroundings } from './run-command.ts';
import { inSession, machineOf, type Session } from './session.ts';
import type { StackFlags } from './stack-flags.ts';
import { watchStopSignals } from './stop-signals.ts';
import { Talk } from './talk.ts';
import { type Watched, watchRun } from './watch-run.ts';

export interface WatchFlags {
  readonly run: string;
  readonly deployment: StackFlags;
  readonly waitMs: number | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly progress: boolean;
}

const FLUSH_MS = 250;

/** `skyhaul watch`: shows a run of the deployment until it ends. Returns the exit code. */
export async function watchCommand(flags: WatchFlags, around: Surroundings): Promise<number> {
  return inSession(flags.deployment, async (session) => {
    const known = await executionsOf(session.aws, session.state, machineOf(session), flags.run);
    return watchSession(flags, around, session, (known.find(isRunning) ?? known[0])?.arn);
  });
}

/** `execution`: ARN of the one to watch; undefined: Step Functions knows none. */
export async function watchSession(
  flags: WatchFlags,
  around: Surroundings,
  { aws, state }: Session,
  execution: string | undefined,
): Promise<number> {
  const { run, json, waitMs } = flags;
  const talk = new Talk({ stream: around.stderr, mode: modeOf(flags, around), now: around.now });
  const events = new EventLines((text) => around.stdout.write(text), around.now);
  const flushing = setInterval(() => events.flush(), FLUSH_MS);
  const stop = new AbortController();
  const unwatch = watchStopSignals(around.signals, {
    now: around.now,
    onFirst: () => stop.abort(),
    onSecond: () => around.leave(exitCode.interrupted),
  });
  try {
    talk.start();
    const watched = await watchRun({
      state,
      run,
      now: around.now,
      signal: stop.signal,
      until: waitMs === undefined ? undefined : around.now() + waitMs,
      execution: async () => (execution === undefined ? undefined : describeExecution(aws, execution)),
      emit: (event) => {
        talk.event(event);
        if (json) events.add(event);
      },
    });
    talk.stop();
    if (json && watched.end === 'summary') events.addLine(watched.summary);
    const { lines, code } = await conclude(watched, flags, state, around.cwd);
    if (watched.end === 'summary') talk.say(lines);
    else talk.complain(lines);
    return code;
  } catch (thrown) {
    talk.stop();
    if (!stop.signal.aborted) throw thrown;
    talk.say(['The run goes on. Watch it again:', `  ${deployedCommand(['watch', run], flags.deployment)}`]);
    return exitCode.interrupted;
  } finally {
    unwatch();
    talk.stop();
    clearInterval(flushing);
    events.flush();
  }
}

function modeOf({ quiet, progress }: WatchFlags, { stderr }: Surroundings): 'quiet' | 'live' | 'plain' {
  if (quiet) return 'quiet';
  return progress && stderr.isTTY === true ? 'live' : 'plain';
}

/** How the watch ended, in words and as an exit code. */
async function conclude(watched: Watched, { run, deployment }: WatchFlags, state: ObjectStore, cwd: string) {
  const command = (...words: string[]) => deployedCommand(words, deployment);
  switch (watched.end) {
    case 'summary': {
      const retry = () => ({ command: command('redrive', run) });
      const lines = await reportedLines(state, { summary: watched.summary, cwd, retry });
      return { lines, code: exitCodeOf(watched.summary) };
    }
    case 'timeout': {
      const lines = ['skyhaul: the time to wait is up; the run goes on. Watch it again:', `  ${command('watch', run)}`];
      return { lines, code: exitCode.waitTimedOut };
    }
    case 'failed': {
      const { execution } = watched;
      const next = [
        '',
        'Continue the run, or read what the janitor reports of it within the hour:',
        `  ${command('submit', '--run', run)}`,
        `  ${command('report', run)}`,
      ];
      const lines = [...executionFailureLines(execution), ...(isInputsFault(execution) ? [] : next)];
      return { lines, code: exitCode.runFailed };
    }
  }
}
