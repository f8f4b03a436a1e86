/**
 * `npm run smoke:aws [-- --context name=value] [-- --stack NAME] [-- --keep]`: Skyhaul in your account, looked at from
 * outside. Deploys the default app under a name of its own, downloads twenty items of every kind from the stack's own
 * bucket, compares report and objects with what they must be, and removes everything again, also after a failure or
 * Ctrl-C. Account, Region and endpoint are those of the environment (AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL, …).
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Check, check, tableOf } from './checks.ts';
import { emptyBucket } from './empty-bucket.ts';
import { SmokeRun } from './smoke-run.ts';
import { SmokeStack } from './smoke-stack.ts';
import { checkWrongChecksum } from './wrong-checksum.ts';

/** A function that is still at work when the execution is stopped writes once more. */
const REMOVE_TRIES = 3;

const say = (text: string) => console.error(`smoke: ${text}`);
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      stack: { type: 'string', default: `SkyhaulSmoke-${randomBytes(3).toString('hex')}` },
      context: { type: 'string', short: 'c', multiple: true, default: [] },
      keep: { type: 'boolean', default: false },
    },
  });
  const stack = new SmokeStack(values.stack, values.context);
  const signal = stopOnSignals();
  const checks: Check[] = [];
  let run: SmokeRun | undefined;
  let bucket: string | undefined;
  try {
    say(`deploying the stack ${stack.name} (needs a bootstrapped Region: npx cdk bootstrap)`);
    const deployed = await stack.deploy();
    bucket = deployed.bucket;
    run = new SmokeRun(deployed, signal);
    await look(run, bucket, checks);
  } catch (error) {
    checks.push(check('went to its end', 'failed', [messageOf(error)]));
  } finally {
    if (values.keep) say(`kept the stack ${stack.name} and its bucket ${bucket}; ${howToRemove(stack)}`);
    else checks.push(await remove(stack, run, bucket));
    run?.close();
  }
  process.stdout.write(tableOf(checks));
  return checks.every(({ isGood }) => isGood);
}

async function look(run: SmokeRun, bucket: string, checks: Check[]): Promise<void> {
  say(`uploading sources to ${bucket}`);
  await run.uploadSources();
  const execution = await run.start();
  say(`running ${execution}`);
  await run.end(execution);
  say('comparing report and objects');
  checks.push(...(await run.checks(execution)));
  checks.push(await checkWrongChecksum(run.s3, bucket));
}

async function remove(stack: SmokeStack, run: SmokeRun | undefined, bucket: string | undefined): Promise<Check> {
  const problems: string[] = [];
  for (let tries = 1; tries <= REMOVE_TRIES; tries += 1) {
    try {
      say(`removing ${stack.name}`);
      if (run && bucket) await emptyBucket(run.s3, bucket);
      await stack.destroy();
      return check('stack and bucket', 'removed', []);
    } catch (error) {
      if (!problems.includes(messageOf(error))) problems.push(messageOf(error));
    }
  }
  return check('stack and bucket', 'NOT REMOVED, may be in the account', [...problems, howToRemove(stack)]);
}

function howToRemove({ contextWords }: SmokeStack): string {
  return `to remove it, empty the bucket, then: npx cdk destroy --all ${contextWords.join(' ')}`;
}

/** The first signal ends the run and cleans up; the second one ends the process where it stands. */
function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(1);
      say('stopping: what was made is removed first. Once more: leave it as it is');
      stop.abort(new Error('stopped by the user'));
    });
  }
  return stop.signal;
}

process.exitCode = await main().then(
  (isGood) => (isGood ? 0 : 1),
  (error: unknown) => {
    console.error(messageOf(error));
    return 1;
  },
);
