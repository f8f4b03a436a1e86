import { describe, expect, inject, test } from 'vitest';
import { Functions } from '../support/localstack-functions.ts';
import { pidsIn, untilGone } from '../support/localstack-processes.ts';

const { endpoint, hostOfOrigins } = inject('localStack');
const functions = new Functions(endpoint);

/** Starts a child, and one that leaves the process group and outlives its parent's interest; prints their process ids. */
const FAMILY = `
  import { spawn } from 'node:child_process';
  const nap = ['-e', 'setInterval(() => {}, 1000)'];
  const child = spawn(process.execPath, nap, { stdio: 'ignore' });
  const runaway = spawn(process.execPath, nap, { stdio: 'ignore', detached: true });
  runaway.unref();
  console.log('family', process.pid, child.pid, runaway.pid);`;

// In Docker, LocalStack's own executor runs the functions.
describe.skipIf(hostOfOrigins !== '127.0.0.1')('LocalStack without Docker, as Lambda', { concurrent: true }, () => {
  test('ends a function that waits past its timeout, with all that it started', async () => {
    const sleeper = await functions.create(`${FAMILY} export const handler = () => new Promise(() => {});`, {
      timeoutSeconds: 2,
    });

    const { payload, failed, log } = await sleeper.invoke();

    expect(failed).toBe(true);
    expect(payload).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(/^RequestId: \S+ Error: Task timed out after 2\.00 seconds$/),
    });
    expect(log).toMatch(/^\S+Z \S+ Task timed out after 2\.00 seconds$/m);
    expect(log).toMatch(/\tStatus: timeout$/m);
    const family = pidsIn(log, 'family');
    expect(family).toHaveLength(3);
    await untilGone(family);
  });

  test('ends a function that does not come back to its event loop, nor reads a large event', async () => {
    const spinner = await functions.create(
      'export const handler = async () => { setImmediate(() => { for (;;); }); return 1; };',
      { timeoutSeconds: 1 },
    );
    expect((await spinner.invoke()).payload).toBe(1);

    const { payload } = await spinner.invoke({ text: 'x'.repeat(3_000_000) });

    expect(payload).toMatchObject({ errorType: 'Sandbox.Timedout' });
  });

  test('starts the next invocation anew after a timeout, in the same temporary directory', async () => {
    const moody = await functions.create(
      `export const handler = (wait) => wait ? new Promise(() => {}) : [process.pid, process.env.TMPDIR];`,
      { timeoutSeconds: 1 },
    );
    const [pid, tmp] = (await moody.invoke(false)).payload as [number, string];

    expect((await moody.invoke(true)).failed).toBe(true);
    const after = (await moody.invoke(false)).payload as [number, string];

    expect(after[0]).not.toBe(pid);
    expect(after[1]).toBe(tmp);
  });

  test('takes what initialisation needs above its ten seconds from the timeout', async () => {
    const stuck = await functions.create('for (;;);', { timeoutSeconds: 1 });

    expect((await stuck.invoke()).payload).toMatchObject({
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringContaining('Task timed out after 1.00 seconds'),
    });
  });

  test('ends a function above its memory, also where the memory is Buffers', async () => {
    const hog = await functions.create(
      `${FAMILY} export const handler = async () => { globalThis.held = Buffer.alloc(600_000_000, 1); await new Promise(() => {}); }`,
      { memoryMiB: 192 },
    );

    const { payload, log } = await hog.invoke();

    expect(payload).toEqual({
      errorType: 'Runtime.OutOfMemory',
      errorMessage: expect.stringMatching(/^RequestId: \S+ Error: Runtime exited with error: signal: killed$/),
    });
    expect(log).toMatch(/Max Memory Used: 192 MB\t.*Status: error\tError Type: Runtime\.OutOfMemory$/m);
    await untilGone(pidsIn(log, 'family'));
  });

  test('counts the memory of what a function starts', async () => {
    const parent = await functions.create(
      `import { execFileSync } from 'node:child_process';
       const hog = 'globalThis.held = Buffer.alloc(600_000_000, 1); setInterval(() => {}, 1000)';
       export const handler = async () => { execFileSync(process.execPath, ['-e', hog]); }`,
    );

    expect((await parent.invoke()).payload).toMatchObject({ errorType: 'Runtime.OutOfMemory' });
  });

  test.each([
    ['process.exit(3)', 'Runtime exited with error: exit status 3'],
    ['process.exit(0)', 'Runtime exited without providing a reason'],
    [`process.kill(process.pid, 'SIGKILL')`, 'Runtime exited with error: signal: killed'],
    [`process.kill(process.pid, 'SIGABRT')`, 'Runtime exited with error: signal: aborted'],
  ])('reports %s in a handler as Runtime.ExitError, and starts the next one anew', async (crash, message) => {
    const fragile = await functions.create(
      `export const handler = async (crash) => { if (crash) { ${crash}; await new Promise(() => {}); } return process.pid; }`,
    );
    const before = (await fragile.invoke(false)).payload;

    const { payload, log } = await fragile.invoke(true);

    expect(payload).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringMatching(new RegExp(`^RequestId: \\S+ Error: ${message}$`)),
    });
    expect(log).toMatch(/\tError Type: Runtime\.ExitError$/m);
    const after = await fragile.invoke(false);
    expect(after.failed).toBe(false);
    expect(after.payload).not.toBe(before);
  });

  test('replaces a process that ended while it was idle', async () => {
    const leaving = await functions.create(
      `export const handler = async () => { setTimeout(() => process.exit(1), 10); return process.pid; }`,
    );
    const pid = (await leaving.invoke()).payload as number;
    await untilGone([pid]);

    const next = await leaving.invoke();

    expect(next.failed).toBe(false);
    expect(next.payload).not.toBe(pid);
  });

  test.each([
    [
      'throws an error',
      `throw Object.assign(new Error('the source changed'), { name: 'SourceChanged' })`,
      { errorType: 'SourceChanged', errorMessage: 'the source changed', trace: expect.any(Array) },
    ],
    ['throws no error', `throw 'a text'`, { errorType: 'string', errorMessage: 'a text', trace: [] }],
    [
      'answers what JSON cannot say',
      'return 1n',
      { errorType: 'TypeError', errorMessage: expect.stringContaining('BigInt') },
    ],
    [
      'leaves a promise unhandled',
      `Promise.reject(new RangeError('lost')); await new Promise(() => {})`,
      { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'RangeError: lost' },
    ],
    [
      'throws where nobody catches',
      `setTimeout(() => { throw new RangeError('loose') }); await new Promise(() => {})`,
      { errorType: 'RangeError', errorMessage: 'loose' },
    ],
  ])('reports a handler that %s', async (_case, body, error) => {
    const thrower = await functions.create(`export const handler = async () => { ${body} };`);

    const { payload, failed, log } = await thrower.invoke();

    expect(failed).toBe(true);
    expect(payload).toMatchObject(error);
    expect(log).toContain('\tERROR\t');
  });

  test.each([
    [
      'throws while loading',
      `throw Object.assign(new Error('no settings'), { name: 'BadSettings' })`,
      'index.handler',
      'BadSettings',
    ],
    ['does not parse', 'export const handler = {', 'index.handler', 'Runtime.UserCodeSyntaxError'],
    ['imports what is not there', `import 'nowhere'`, 'index.handler', 'Runtime.ImportModuleError'],
    ['is not in the archive', '', 'main.handler', 'Runtime.ImportModuleError'],
    ['does not export the handler', 'export const other = 1', 'index.handler', 'Runtime.HandlerNotFound'],
    ['exits while loading', 'process.exit(7)', 'index.handler', 'Runtime.ExitError'],
  ])('reports a function that %s, each time it is invoked', async (_case, source, handler, errorType) => {
    const broken = await functions.create(source, { handler });

    const [first, second] = [await broken.invoke(), await broken.invoke()];

    expect(first).toMatchObject({ failed: true, payload: { errorType } });
    expect(second).toMatchObject({ failed: true, payload: { errorType } });
    expect(first.log).toContain(errorType);
  });
});
