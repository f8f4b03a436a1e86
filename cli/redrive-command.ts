import { overlayRequest } from '../lib/contract/merge-options.ts';
import { type Options, options as optionsSchema } from '../lib/contract/options.ts';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { exitCode } from './exit-code.ts';
import type { ListArgument } from './list-argument.ts';
import { placeAlive } from './place-alive.ts';
import type { RedriveFlags } from './redrive-flags.ts';
import { countFailed, type FailedCount, requireEnded, writeRedriveList } from './redrive-list.ts';
import { runCommand, type Surroundings } from './run-command.ts';
import { inState, type StatePlace } from './session.ts';
import { formatCount } from './units.ts';

/**
 * `skyhaul redrive`: a new run of the failed lines of one that has ended, with its options unless the flags say otherwise.
 * What no run keeps (networks, secrets, the user's code) has to be given again. Returns the exit code.
 */
export async function redriveCommand(flags: RedriveFlags, around: Surroundings): Promise<number> {
  const { call } = flags;
  const begun = await inState(placeOf(flags), around.cwd, async ({ aws, state }) => {
    const asked = await requireEnded({ state, isAlive: placeAlive(around, aws) }, flags.run);
    const counted = await countFailed(state, flags, asked.options);
    if (!call.flags.quiet) around.stderr.write(`${countLines(flags, counted).join('\n')}\n`);
    if (counted.chosen === 0) return undefined;
    requireGiven(flags, counted);
    const list = await writeRedriveList(state, flags, asked.options);
    return { ...list, to: asked.to, options: overlaid(asked.options, flags.options) };
  });
  if (!begun) return exitCode.done;
  const list: ListArgument = { kind: 'manifest', path: begun.uri };
  const more = { list, run: begun.run, reading: { format: 'jsonl' }, options: begun.options } as const;
  if (call.where === 'here') return runCommand({ ...call.flags, ...more }, around);
  const { submitCommand } = await import('./submit-command.ts');
  return submitCommand({ ...call.flags, ...more, to: begun.to }, around);
}

function placeOf({ call }: RedriveFlags): StatePlace {
  if (call.where === 'deployed') return { to: undefined, deployment: call.flags.deployment };
  const { to, endpoint, region } = call.flags;
  const none = { stack: undefined, stateMachine: undefined, bucket: undefined, janitor: undefined };
  return { to, deployment: { ...none, endpoint, region } };
}

function countLines({ run, only }: RedriveFlags, { all, chosen, bad, byName }: FailedCount): string[] {
  const wrong = `${formatCount(bad)} ${bad === 1 ? 'line is' : 'lines are'} not valid`;
  const beside = bad > 0 ? [`${wrong}, and not among them: correct the list (skyhaul report ${run} --lines).`] : [];
  if (all === 0)
    return [`No line of run ${run} can be run again: ${bad > 0 ? `${wrong}, correct the list` : 'none failed'}.`];
  if (chosen === 0) return [`No failed line of run ${run} has one of these errors: ${[...only].join(', ')}.`];
  const names = [...byName].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${formatCount(count)}`);
  const of = chosen === all ? '' : ` of ${formatCount(all)}`;
  const lines = all === 1 ? 'failed line' : 'failed lines';
  return [`${formatCount(chosen)}${of} ${lines} of run ${run}: ${names.join(', ')}`, ...beside];
}

/** Throws BatchInvalid. Networks are no problem here: a line that needs one says so by its error. */
function requireGiven({ call }: RedriveFlags, { needsModule, needsSecrets }: FailedCount): void {
  if (call.where === 'deployed') return;
  const { module, secrets } = call.flags;
  const problems = [
    ...(needsModule && module === undefined ? ['--module: these lines go through your own code; give it again'] : []),
    ...(needsSecrets && secrets.length === 0 ? ['--secret: these lines refer to secrets; bind them again'] : []),
  ];
  if (problems.length > 0) throw new SkyhaulError('BatchInvalid', 'no run keeps what only a call gives', { problems });
}

/**
 * What is said anew stands over what was said; headers and query by name. A limit is that of one trial: what it left is
 * taken up whole, unless there is a limit anew.
 */
export function overlaid({ limit: _, ...before }: Options, given: Partial<Options>): Options {
  const request = given.request && { request: overlayRequest(before.request ?? {}, given.request) };
  return optionsSchema.parse({ ...before, ...given, ...request });
}
