import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needsAws, PROJECT, readReadmeCommands } from '../cli/readme-commands.ts';
import { ENTRY, startProcess, until } from '../cli/skyhaul-process.ts';
import { TRANSFER_SECONDS } from '../support/localstack-deployed.ts';
import { deployedStack } from '../support/localstack-stack.ts';
import { listen, Runs } from './runs.ts';

const commands = (await readReadmeCommands()).filter(needsAws);
/** LocalStack brings one along; somebody's own comes first. */
const AWS_CLI = join(PROJECT, '.cache/localstack/venv/bin');

describe('every command of README.md about a deployment, one after the other', () => {
  let folder: string;
  let server: Server;
  let url: string;
  let runs: Runs;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skyhaul-readme-'));
    runs = new Runs(deployedStack());
    ({ server, url } = await listen(({ url: path }, response) => response.end(`body of ${path}`)));
    await writeFile(join(folder, 'my-list.txt'), `${url}/a.zip\n${url}/b.zip\n`);
    await writeFile(join(folder, 'npx'), npx(folder));
    await chmod(join(folder, 'npx'), 0o755);
  });

  afterAll(async () => {
    server.close().closeAllConnections();
    runs.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is found', () => {
    expect(commands.length).toBeGreaterThan(10);
  });

  it.each(commands)('works: %s', async (command) => {
    const { stateMachineArn, bucket, env } = runs.stack;
    const here = command
      .replaceAll(/arn:aws:states:[\w:-]+:stateMachine:Skyhaul\b/g, stateMachineArn)
      .replaceAll('my-skyhaul-bucket', bucket)
      .replaceAll('https://example.com', url);

    const ended = await startProcess('sh', ['-c', here], {
      cwd: folder,
      env: {
        ...env,
        AWS_DEFAULT_REGION: env.AWS_REGION ?? '',
        PATH: [folder, process.env.PATH, AWS_CLI].join(delimiter),
      },
    }).ended;

    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    // Who types them one after the other is not as quick as a test.
    const started = /"run": "([\w-]+)"/.exec(command)?.[1];
    const hasEnded = async () => (await runs.store('').head(`runs/${started}/summary.json`)) !== undefined;
    if (started !== undefined) await until(hasEnded);
  });

  it('did what it says', async () => {
    for (const run of ['my-first-run', 'two-files', 'my-list']) {
      const outcomes = (await runs.outcomes(run)).map(({ outcome }) => outcome);
      expect(outcomes.map((outcome) => outcome !== 'failed')).toEqual([true, true]);
    }
  });
});

/** `npx` of a clone, with what LocalStack and this lane's stack need beside. */
function npx(folder: string): string {
  const context = [
    'runtime=nodejs22.x',
    'removalPolicy=destroy',
    'allowedNetworks=127.0.0.0/8',
    `transferTimeoutSeconds=${TRANSFER_SECONDS}`,
  ].flatMap((value) => ['-c', value]);
  const cdk = ['node_modules/.bin/cdk', '"$@"', ...context, '--require-approval', 'never'];
  return `#!/bin/sh
command="$1"
shift
case "$command" in
  skyhaul) exec '${process.execPath}' '${ENTRY}' "$@" ;;
  cdk) cd '${PROJECT}' && exec ${cdk.join(' ')} --ci --output '${join(folder, 'cdk.out')}' ;;
esac
exit 99
`;
}
