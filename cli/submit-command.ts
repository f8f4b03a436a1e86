import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { consoleUrl } from './execution-names.ts';
import { exitCode } from './exit-code.ts';
import { deployedCommand } from './next-command.ts';
import type { Surroundings } from './run-command.ts';
import { newRunId } from './run-id.ts';
import { inSession, type Session } from './session.ts';
import { watchStopSignals } from './stop-signals.ts';
import type { SubmitFlags } from './submit-flags.ts';
import { type Submitted, submitRun } from './submit-run.ts';
import { watchSession } from './watch-command.ts';

/**
 * `skyhaul submit`: hands a list over to the deployment, and waits for its end only when asked to. stdout gets the run id,
 * so that a script can take it. Returns the exit code.
 */
export async function submitCommand(flags: SubmitFlags, around: Surroundings): Promise<number> {
  return inSession(flags.deployment, async (session) => {
    const submitted = await submit(flags, around, session);
    const { run, execution } = submitted;
    const url = consoleUrl(execution);
    if (flags.json) around.stdout.write(`${JSON.stringify({ event: 'run.submitted', ...submitted, console: url })}\n`);
    else around.stdout.write(`${run}\n`);
    if (!flags.quiet) around.stderr.write(`${submittedLines(submitted, url, flags).join('\n')}\n`);
    if (!flags.wait) return exitCode.done;
    return watchSession({ ...flags, run }, around, session, execution);
  });
}

/** Ctrl-C before the start: what was uploaded stays, and nothing was started. */
async function submit(flags: SubmitFlags, around: Surroundings, session: Session): Promise<Submitted> {
  const { stdin, cwd, now } = around;
  const stop = new AbortController();
  const unwatch = watchStopSignals(around.signals, {
    now,
    onFirst: () => stop.abort(new SkyhaulError('Interrupted', 'stopped before the run was started')),
    onSecond: () => around.leave(exitCode.interrupted),
  });
  try {
    const run = flags.run ?? newRunId(now(), around.random);
    return await submitRun(flags, session, { stdin, cwd, now, run, signal: stop.signal });
  } catch (thrown) {
    throw stop.signal.aborted ? stop.signal.reason : thrown;
  } finally {
    unwatch();
  }
}

function submittedLines({ run, to, execution }: Submitted, url: string | undefined, flags: SubmitFlags): string[] {
  const command = (...words: string[]) => `  ${deployedCommand(words, flags.deployment)}`;
  return [
    `Run ${run} is under way: to ${to}`,
    `  ${url ?? execution}`,
    '',
    'Watch it, read its report, stop it:',
    command('watch', run),
    command('report', run),
    command('stop', run),
  ];
}
