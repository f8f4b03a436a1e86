import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Command, CommanderError, Option } from 'commander';
import { toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { errorLines } from './error-view.ts';
import { exitCode, exitCodeOfError } from './exit-code.ts';
import { runCommand, type Surroundings } from './run-command.ts';
import { formatChoices, overwriteChoices, type RawRunFlags, readRunFlags } from './run-flags.ts';

/**
 * The command line. It reads words and hands them on; what they mean stands in run-flags.ts. stdout is data, stderr is
 * talk, and the exit code is one of exit-code.ts whatever happens.
 */
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const EXIT_CODES = `
Exit codes: 0 all stored or skipped, 1 unexpected, 2 usage or bad input, 3 some items failed, 4 the run failed,
130 interrupted (the run id continues).`;

const collect = (value: string, before: readonly string[] = []) => [...before, value];

const program = new Command('skyhaul')
  .description('Moves what is behind a list of URLs into S3 or a directory.')
  .version(version)
  .showHelpAfterError('Call `skyhaul run --help` to see what there is.')
  .exitOverride();

program
  .command('run')
  .description('does the whole job on this machine')
  .argument('[list...]', 'a list (path or s3://, txt, csv, tsv or jsonl, also .gz), URLs, or - for standard input')
  .option('--to <destination>', 's3://bucket/prefix or a directory')
  .option('--run <id>', 'name the run; without a list: continue that run')
  .addOption(new Option('--format <format>', 'of the list (default: by its name)').choices(formatChoices))
  .option('--url-column <name>', 'column of the URL (default: found by its usual names)')
  .option('--key-column <name>', 'column of the key (default: key)')
  .option('-H, --header <header>', '"Name: value" for every request; may be repeated', collect)
  .option('--allow-network <cidr>', 'let through a network that is not public; may be repeated', collect)
  .addOption(new Option('--overwrite <policy>', 'where an object stands already').choices(overwriteChoices))
  .option('--max-concurrency <n>', 'shards worked on at once (default: 4, at most 40)')
  .option('--slots <n>', 'items at once in one shard (default: from memory)')
  .option('--per-host-connections <n>', 'connections to one host (default: 6)')
  .option('--attempts <n>', 'for each item (default: 5)')
  .option('--max-bytes <size>', 'largest item, such as 5GiB')
  .option('--limit <n>', 'only the first n items of the list')
  .option('--skip-invalid', 'bad lines become failed items instead of stopping the run')
  .option('--connect-timeout <time>', 'such as 10s (default)')
  .option('--headers-timeout <time>', 'such as 30s (default)')
  .option('--idle-timeout <time>', 'longest pause within a body, such as 30s (default)')
  .option('--timeout <time>', 'for a whole item (default: none)')
  .option('--endpoint <url>', 'of an S3 that is not AWS')
  .option('--region <name>', 'of the bucket (default: as the AWS SDK finds it)')
  .option('--json', 'events as NDJSON on stdout, the summary last')
  .option('--quiet', 'say nothing but errors')
  .option('--no-progress', 'plain lines instead of a live view')
  .addHelpText('after', EXIT_CODES)
  .action(async (words: string[], raw: RawRunFlags) => {
    process.exitCode = await runCommand(readRunFlags(words, raw), surroundings());
  });

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
    process.exitCode = thrown.exitCode === 0 ? exitCode.done : exitCode.usage;
  } else {
    const error = toSkyhaulError(thrown);
    for (const line of errorLines(error)) console.error(line);
    process.exitCode = exitCodeOfError(error);
  }
}
