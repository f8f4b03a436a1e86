import { type Command, InvalidArgumentError, Option } from 'commander';
import { runId } from '../lib/contract/batch-input.ts';
import { FlagReader } from './flag-reader.ts';
import { group } from './help-text.ts';
import { addListOptions, addWorkOptions } from './list-options.ts';
import { type RawRedriveFlags, readRedriveFlags } from './redrive-flags.ts';
import type { Surroundings } from './run-command.ts';
import { DEFAULT_STACK, type RawStackFlags, readStackFlags } from './stack-flags.ts';
import { type RawSubmitFlags, readSubmitFlags, waitLimit } from './submit-flags.ts';

/**
 * The commands about a deployment. Each loads what it needs when it is called, so that `skyhaul run` starts without the
 * clients of services that it does not use.
 */
export function addDeployedCommands(program: Command, surroundings: () => Surroundings): void {
  const submit = program
    .command('submit')
    .description('hands a list over to the deployed state machine')
    .argument('[list...]', LIST)
    .optionsGroup(group.run)
    .option('--to <destination>', 's3://bucket/prefix (default: data/ of the stack’s bucket)')
    .option('--run <id>', 'name the run; without a list: continue that run');
  addStackOptions(submit);
  addListOptions(submit)
    .optionsGroup(group.output)
    .option('--wait', 'watch the run until it ends')
    .option('--wait-timeout <time>', 'with --wait: at most, such as 2h')
    .option('--json', 'what was started as JSON on stdout; with --wait the events, the summary last')
    .option('--quiet', 'say nothing but errors')
    .option('--no-progress', 'plain lines instead of a live view')
    .action(async (words: string[], raw: RawSubmitFlags) => {
      const flags = readSubmitFlags(words, raw);
      const { submitCommand } = await import('./submit-command.ts');
      process.exitCode = await submitCommand(flags, surroundings());
    });

  addStackOptions(program.command('watch').description('shows a run until it ends').argument('<run>', RUN, readRunId))
    .optionsGroup(group.output)
    .option('--timeout <time>', 'wait at most, such as 2h; the run goes on')
    .option('--json', 'events as NDJSON on stdout, the summary last')
    .option('--quiet', 'say nothing but errors')
    .option('--no-progress', 'plain lines instead of a live view')
    .action(async (run: string, raw: RawWatchFlags) => {
      const flags = { run, ...readWaiting(raw), json: raw.json ?? false, quiet: raw.quiet ?? false };
      const { watchCommand } = await import('./watch-command.ts');
      process.exitCode = await watchCommand({ ...flags, progress: raw.progress ?? true }, surroundings());
    });

  const report = program.command('report').description('shows what became of a run').argument('<run>', RUN, readRunId);
  addStackOptions(addPlace(report, 'of a run that `skyhaul run` has made'))
    .optionsGroup(group.output)
    .addOption(new Option('--lines', 'report.jsonl on stdout').conflicts(['failed', 'json']))
    .addOption(new Option('--failed', 'failed.jsonl on stdout').conflicts('json'))
    .option('--json', 'the summary as JSON on stdout')
    .action(async (run: string, raw: RawReportFlags) => {
      const show = raw.lines ? 'lines' : raw.failed ? 'failed' : raw.json ? 'json' : 'text';
      const place = readPlace(raw);
      const { reportCommand } = await import('./report-command.ts');
      process.exitCode = await reportCommand({ run, show, place }, surroundings());
    });

  const stop = program.command('stop').description('ends a run, cleans up, and shows what there is');
  addPlace(stop.argument('<run>', RUN, readRunId), 'of a run that `skyhaul run` was interrupted in');
  addStackOptions(stop)
    .option('--janitor <function>', 'with --state-machine: the janitor’s name')
    .optionsGroup(group.output)
    .option('--timeout <time>', 'wait for workers at most (default: 20m)')
    .option('--json', 'the summary as JSON on stdout')
    .action(async (run: string, raw: RawWatchFlags & { readonly to?: string }) => {
      const json = raw.json ?? false;
      if (raw.to !== undefined) {
        const { to, deployment: address } = readPlace({ ...raw, to: raw.to });
        const { giveUpCommand } = await import('./give-up-command.ts');
        process.exitCode = await giveUpCommand({ run, to: to ?? '', address, json }, surroundings());
        return;
      }
      const flags = { run, ...readWaiting(raw), json };
      const { stopCommand } = await import('./stop-command.ts');
      process.exitCode = await stopCommand(flags, surroundings());
    });

  const redrive = program.command('redrive').description('runs the failed lines of a run again, as a new run');
  redrive.argument('<run>', RUN, readRunId);
  addPlace(redrive, 'of a run that `skyhaul run` has made; the new one is made here, too')
    .option('--only <errors>', 'only lines that failed with these errors, such as Throttled,ConnectionLost', collect)
    .option('--run <id>', 'name the new run (default: <run>-r1, -r2, …)');
  addStackOptions(redrive);
  addWorkOptions(redrive)
    .optionsGroup(group.requests)
    .option('--allow-network <cidr>', 'with --to: let through a network that is not public; may be repeated', collect)
    .option('--secret <name=origin>', 'with --to: a secret that origin may be sent; may be repeated', collect)
    .optionsGroup(group.objects)
    .option('--module <file>', 'with --to: your own code again')
    .optionsGroup(group.output)
    .option('--wait', 'watch the new run until it ends')
    .option('--wait-timeout <time>', 'with --wait: at most, such as 2h')
    .option('--json', 'as `run` and `submit` do')
    .option('--quiet', 'say nothing but errors')
    .option('--no-progress', 'plain lines instead of a live view')
    .action(async (run: string, raw: RawRedriveFlags) => {
      const flags = readRedriveFlags(run, raw);
      const { redriveCommand } = await import('./redrive-command.ts');
      process.exitCode = await redriveCommand(flags, surroundings());
    });

  const list = program.command('list').description('shows the runs there are');
  addStackOptions(addPlace(list, 'of runs that `skyhaul run` has made'))
    .optionsGroup(group.output)
    .option('--json', 'NDJSON on stdout')
    .action(async (raw: RawReportFlags) => {
      const place = readPlace(raw);
      const { listCommand } = await import('./list-command.ts');
      process.exitCode = await listCommand({ place, json: raw.json ?? false }, surroundings());
    });
}

interface RawWatchFlags extends RawStackFlags {
  readonly timeout?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly progress?: boolean;
}

interface RawReportFlags extends RawStackFlags {
  readonly to?: string;
  readonly lines?: boolean;
  readonly failed?: boolean;
  readonly json?: boolean;
}

const LIST = 'a list (path or s3://, txt, csv, tsv or jsonl, also .gz or .zst), URLs, or - for standard input';
const RUN = 'id of the run';
const collect = (value: string, before: readonly string[] = []) => [...before, value];

function addPlace(command: Command, what: string): Command {
  return command.optionsGroup(group.run).option('--to <destination>', what);
}

function addStackOptions(command: Command): Command {
  return command
    .optionsGroup(group.deployment)
    .option('--stack <name>', `of the deployment (default: ${DEFAULT_STACK})`)
    .option('--state-machine <arn>', 'instead of --stack, with --bucket')
    .option('--bucket <name>', 'instead of --stack: the deployment’s bucket')
    .option('--endpoint <url>', 'of an emulator of AWS')
    .option('--region <name>', 'of the deployment (default: as the AWS SDK finds it)');
}

function readRunId(text: string): string {
  if (runId.safeParse(text).success) return text;
  throw new InvalidArgumentError('A run id has a-z, 0-9 and -, at most 63 characters.');
}

function readWaiting(raw: RawWatchFlags) {
  const reader = new FlagReader();
  const deployment = readStackFlags(raw, reader, true);
  const waitMs = reader.duration('--timeout', raw.timeout, waitLimit);
  reader.requireNone();
  return { deployment, waitMs };
}

function readPlace(raw: RawReportFlags) {
  const reader = new FlagReader();
  const deployment = readStackFlags(raw, reader, false);
  const isNamed = raw.stack !== undefined || raw.bucket !== undefined;
  if (raw.to !== undefined && isNamed) reader.problems.push('--to: give it, or the deployment, not both');
  reader.requireNone();
  return { to: raw.to, deployment };
}
