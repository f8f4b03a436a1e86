import { exitCode } from './exit-code.ts';

/** Headings of the flags in `--help`, in no order: that is of their first flag. */
export const group = {
  run: 'Run:',
  deployment: 'Deployment:',
  list: 'List:',
  requests: 'Requests:',
  objects: 'Objects:',
  speed: 'Politeness and speed:',
  ends: 'Failures and limits:',
  aws: 'AWS:',
  output: 'Output:',
} as const;

type Code = keyof typeof exitCode;

const ALWAYS = {
  unexpected: 'unexpected',
  usage: 'usage or bad input',
  runFailed: 'AWS, or the disk, failed',
} as const;
const WORK = {
  ...ALWAYS,
  done: 'all stored or skipped',
  itemsFailed: 'some items failed',
  runFailed: 'the run failed',
  interrupted: 'interrupted (the run id continues)',
} as const;
const WAITED = {
  waitTimedOut: 'the time to wait was up, the run goes on',
  interrupted: 'interrupted, the run goes on',
};

/** What an exit code says of each command. Those that are not named cannot come. */
const CODES: Readonly<Record<string, Partial<Record<Code, string>>>> = {
  run: WORK,
  plan: { ...ALWAYS, done: 'the list can be run' },
  submit: { ...WORK, ...WAITED, done: 'started; with --wait all stored or skipped' },
  watch: { ...WORK, ...WAITED },
  report: { ...ALWAYS, done: 'shown, whatever became of the items', usage: 'usage, no such run, or no report yet' },
  stop: {
    ...ALWAYS,
    done: 'stopped and reported, whatever became of the items',
    usage: 'usage, no such run, or one that a process is at work on',
    waitTimedOut: 'the time to wait was up, the janitor does the rest',
    interrupted: 'interrupted, the janitor does the rest',
  },
  redrive: {
    ...WORK,
    ...WAITED,
    done: 'all stored or skipped; deployed without --wait: started',
    interrupted: 'interrupted; here the run id continues, deployed the run goes on',
  },
  list: { ...ALWAYS, done: 'shown' },
};

/** The exit codes of a command, below its help. */
export function exitHelp(command: string): string {
  const codes = Object.entries(CODES[command] ?? WORK) as [Code, string][];
  const lines = codes
    .map(([name, what]) => ({ code: exitCode[name], what }))
    .sort((a, b) => a.code - b.code)
    .map(({ code, what }) => `  ${String(code).padEnd(3)}  ${what}`);
  return ['', 'Exit codes:', ...lines].join('\n');
}
