import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { root } from '../architecture/source-files.ts';

/** What happens in a process of its own; its listeners end it with 129, as those of Lambda do. */
function inProcess(code: string, listeners = '') {
  const script = `
    import { runGuarded, endGuarded, outsideModule } from './lib/transform/module-guard.ts';
    ${listeners}
    const scope = (name) => ({ file: name, fail: (error) => console.log(name + ': ' + error.message) });
    const later = (work) => setTimeout(work, 1);
    const fails = (message) => { throw new Error(message); };
    ${code}
    setTimeout(() => console.log('alive'), 50);
  `;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, said: stdout.trim().split('\n').filter(Boolean) };
}

const LIKE_LAMBDA = `
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error) => { console.log(event + ': ' + error.message); process.exit(129); });
  }
`;

describe('what code of a module throws where nobody waits for it', () => {
  it.each([
    ['no listener', ''],
    ["Lambda's listeners", LIKE_LAMBDA],
  ])('is its item’s own, with %s', (_name, listeners) => {
    const ended = inProcess(
      `
        const [one, two] = [scope('one'), scope('two')];
        runGuarded(one, () => later(() => fails('timer')));
        runGuarded(two, () => void Promise.reject(new Error('promise')));
        runGuarded(one, async () => { await null; setImmediate(() => void (async () => fails('nested'))()); });
        endGuarded(two);
      `,
      listeners,
    );

    expect(ended.status).toBe(0);
    expect(ended.said.toSorted()).toEqual(['alive', 'one: nested', 'one: timer', 'two: promise']);
  });

  it('is known by its stack where Node has lost the context', () => {
    const lost = `const error = (name) => Object.assign(new Error('lost'), { stack: 'Error: lost\\n    at x (/m/' + name + '.mjs:1:1)' });`;

    const one = inProcess(`${lost} runGuarded(scope('one.mjs'), () => 0); later(() => { throw error('one'); });`);
    const unclear = inProcess(
      `${lost} for (let at = 0; at < 2; at += 1) runGuarded(scope('one.mjs'), () => 0); later(() => { throw error('one'); });`,
      LIKE_LAMBDA,
    );

    expect(one).toEqual({ status: 0, said: ['one.mjs: lost', 'alive'] });
    expect(unclear).toEqual({ status: 0, said: ['alive'] });
  });

  it.each([
    ['a timer', `later(() => fails('ours'));`],
    ['a promise', `later(() => void Promise.reject(new Error('ours')));`],
    ['a call from the module', `runGuarded(scope('one'), () => outsideModule(() => later(() => fails('ours'))));`],
  ])('is not mistaken for an error of ours in %s, which ends the process as ever', (_name, code) => {
    const guarded = `runGuarded(scope('other'), () => 0); ${code}`;

    expect(inProcess(guarded)).toEqual({ status: 1, said: [] });
    const asInLambda = inProcess(guarded, LIKE_LAMBDA);
    expect(asInLambda).toEqual({ status: 129, said: [expect.stringMatching(/^u\w+: ours$/)] });
  });
});
