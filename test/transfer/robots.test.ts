import { describe, expect } from 'vitest';
import { options } from '../../lib/contract/options.ts';
import { it, listOf } from '../support/run-context.ts';

describe('H75: a run with `robots`', () => {
  it('fails what a robots.txt forbids before it is asked for, once and for all, and stores the rest', async ({
    rig,
  }) => {
    rig.origin.on('/robots.txt', { body: 'User-agent: skyhaul\nDisallow: /private\n' });
    rig.origin.on('/open', { body: 'open' });

    const outcomes = await rig.run(listOf(rig, ['/open', '/private'], { robots: true, perHostConnections: 1 }));

    expect(outcomes).toMatchObject([
      { outcome: 'stored' },
      { outcome: 'failed', error: 'RobotsDisallowed', attempts: 1, message: expect.stringContaining('in line 2') },
    ]);
    expect(rig.origin.requests.map(({ path }) => path)).toEqual(['/robots.txt', '/open']);
  });

  it('goes by the name that the run, or a line, gives itself', async ({ rig }) => {
    rig.origin.on('/robots.txt', { body: 'User-agent: mine\nDisallow: /\n' });
    rig.origin.on('/f', { body: 'f' });
    const url = rig.origin.url('/f');
    const items = [
      { url, key: 'batch' },
      { url, key: 'line', request: { userAgent: 'theirs/2' } },
    ];

    const outcomes = await rig.run({
      run: 'r',
      to: rig.root,
      items,
      options: { robots: true, request: { userAgent: 'Mine/1', contact: 'me@a.example' } },
    });

    expect(outcomes).toMatchObject([{ error: 'RobotsDisallowed' }, { outcome: 'stored' }]);
    expect(rig.origin.requests.find(({ path }) => path === '/f')?.headers['user-agent']).toBe(
      'theirs/2 (me@a.example)',
    );
  });

  it('asks for no robots.txt without the option', async ({ rig }) => {
    rig.origin.on('/f', { body: 'f' });

    await rig.run(listOf(rig, ['/f'], { request: { contact: 'https://a.example/me' } }));

    expect(rig.origin.requests.map(({ path, headers }) => [path, headers['user-agent']])).toEqual([
      ['/f', 'skyhaul/0.1 (+https://github.com/skyhaul/skyhaul; https://a.example/me)'],
    ]);
  });
});

describe('a contact', () => {
  it.for([
    ['me@a.example', true],
    ['https://a.example/me?x=1', true],
    ['nobody', false],
    ['me@a.example)\r\nX: y', false],
    ['a "b" <me@a.example>', false],
    [`${'x'.repeat(128)}@a.example`, false],
  ] as const)('%j is one: %s', ([contact, isOne]) => {
    expect(options.safeParse({ request: { contact } }).success).toBe(isOne);
  });
});
