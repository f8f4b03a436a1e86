import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Command, CommanderError, Option } from 'commander';
import { toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { addDeployedCommands } from './deployed-program.ts';
import { errorLines } from './error-view.ts';
import { exitCode, exitCodeOfError } from './exit-code.ts';
import { exitHelp, group } from './help-text.ts';
import { addListOptions } from './list-options.ts';
import { planCommand } from './plan-command.ts';
import { runCommand, type Surroundings } from './run-command.ts';
import { type RawRunFlags, readRunFlags } from './run-flags.ts';

/**
 * The command line. It reads words and hands them on; what they mean stands in run-flags.ts. stdout is data, stderr is
 * talk, and the exit code is one of exit-code.ts whatever happens.
 */
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const BEGIN = `
To begin with, a list of one URL a line, or the URLs:
  skyhaul run my-list.txt --to ./downloads
  skyhaul run https://example.com/a.zip --to ./downloads`;

const collect = (value: string, before: readonly string[] = []) => [...before, value];

const program = new Command('skyhaul')
  .description('Moves what is behind a list of URLs into S3 or a directory.')
  .version(version)
  .showHelpAfterError('Call `skyhaul --help` to see what there is.')
  .exitOverride();

program
  .command('run')
  .description('does the whole job on this machine')
  .action(async (words: string[], raw: RawRunFlags) => {
    process.exitCode = await runCommand(readRunFlags(words, raw), surroundings());
  });
program
  .command('plan')
  .description('says what a run would do and cost; takes the same words, fetches and writes nothing')
  .action(async (words: string[], raw: RawRunFlags) => {
    process.exitCode = await planCommand(readRunFlags(words, raw), surroundings());
  });
for (const command of program.commands) addRunOptions(command);
addDeployedCommands(program, surroundings);
program.addHelpText('after', BEGIN);
for (const command of program.commands) {
  command.addHelpText('after', exitHelp(command.name()));
  command.addHelpOption(new Option('-h, --help', 'show this').helpGroup(group.output));
  command.showHelpAfterError(`Call \`skyhaul ${command.name()} --help\` to see what there is.`);
}

function addRunOptions(command: Command): void {
  command
    .argument(
      '[list...]',
      'a list (path or s3://, txt, csv, tsv or jsonl, also .gz or .zst), URLs, or - for standard input',
    )
    .optionsGroup(group.run)
    .option('--to <destination>', 's3://bucket/prefix or a directory')
    .option('--run <id>', 'name the run; without a list: continue that run');
  addListOptions(command)
    .optionsGroup(group.requests)
    .option('--allow-network <cidr>', 'let through a network that is not public; may be repeated', collect)
    .option(
      '--secret <name=origin>',
      'a secret (Secrets Manager, SSM) that origin may be sent; may be repeated',
      collect,
    )
    .optionsGroup(group.objects)
    .option('--module <file>', 'your own code (TypeScript or JavaScript), the transform of items that name no other')
    .optionsGroup(group.speed)
    .option('--threads <n>', 'for the transfers (default: one a core but one, for 5,000 items or more)')
    .optionsGroup(group.aws)
    .option('--endpoint <url>', 'of an S3 that is not AWS')
    .option('--region <name>', 'of the bucket (default: as the AWS SDK finds it)')
    .optionsGroup(group.output)
    .option(
      '--json',
      command.name() === 'plan' ? 'the figures as JSON on stdout' : 'events as NDJSON on stdout, the summary last',
    )
    .option('--quiet', 'say nothing but errors')
    .option('--no-progress', 'plain lines instead of a live view');
}

function surroundings(): Surroundings {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signals: process,
    cwd: process.cwd(),
    host: hostname(),
    pid: process.pid,
    now: Date.now,
    random: Math.random,
    leave: (code) => process.exit(code),
  };
}

// Whoever read our output may have left (`| head`); the run goes on without being watched.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

try {
  await program.parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) {
    const [word = ''] = program.args;
    if (thrown.code === 'commander.unknownCommand' && /[./:*{]/.test(word)) {
      console.error('A list, or URLs: `skyhaul run <list> --to <destination>`.');
    }
    process.exitCode = thrown.exitCode === 0 ? exitCode.done : exitCode.usage;
  } else {
    const error = toSkyhaulError(thrown);
    for (const line of errorLines(error)) console.error(line);
    process.exitCode = exitCodeOfError(error);
  }
}
