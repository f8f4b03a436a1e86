import { randomUUID } from 'node:crypto';
import { type JanitorAnswer, type JanitorEvent, janitorAnswer, janitorEvent } from '../lib/contract/janitor.ts';
import { SkyhaulError, toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { type Cleaned, cleanRun, cleanRuns } from '../lib/janitor/clean-run.ts';
import type { RunContext } from '../lib/run-context.ts';
import { openExecutions } from './executions.ts';
import { stack } from './stack.ts';

/** Called every hour for all runs (`{}`), and by `skyhaul stop` for one (`{ run }`). */
export const handler = stack({
  name: 'janitor',
  event: janitorEvent,
  answer: janitorAnswer,
  run: clean,
  // Two invocations at once must not take each other for themselves.
  ownerOf: () => `janitor/${randomUUID()}`,
  openExecutions,
});

async function clean({ run }: JanitorEvent, context: RunContext): Promise<JanitorAnswer> {
  if (run === undefined) return cleanAll(context);
  const cleaned = await cleanRun(run, context);
  context.emit({ event: 'run.cleaned', run, ...spoken(cleaned) });
  return { run, ...cleaned };
}

/** Throws the first failure, once every run was looked at: then the metric of errors shows it, and it is tried again. */
async function cleanAll(context: RunContext): Promise<JanitorAnswer> {
  const found = { runs: 0, reported: 0 };
  const failures: SkyhaulError[] = [];
  await cleanRuns(context, (run, cleaned) => {
    found.runs += 1;
    if (!(cleaned instanceof Error)) {
      if (cleaned.state === 'reported') found.reported += 1;
      context.emit({ event: 'run.cleaned', run, ...spoken(cleaned) });
      return;
    }
    const error = toSkyhaulError(cleaned);
    // Somebody took it up while we looked.
    const isTaken = error.name === 'RunInUse';
    if (!isTaken) failures.push(error);
    context.emit({ event: 'run.cleaned', run, state: isTaken ? 'running' : 'failed', error: error.name });
  });
  const [first] = failures;
  if (first)
    throw new SkyhaulError(first.name, `${failures.length} of ${found.runs} runs: ${first.message}`, { cause: first });
  return found;
}

function spoken(cleaned: Cleaned) {
  return { state: cleaned.state, ...(cleaned.state === 'reported' && { aborted: cleaned.aborted }) };
}
