import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRobots } from '../../lib/source/robots-rules.ts';
import { productToken, userAgentOf } from '../../lib/source/user-agent.ts';

const forbids = (text: string, path: string, token = 'skyhaul') =>
  parseRobots('https://a.example', text).forbids(new URL(path, 'https://a.example'), token);

describe('RFC 9309: a robots.txt', () => {
  it('speaks to everybody, or to one crawler by its token in any case, and then to it alone', () => {
    const text = 'User-agent: *\nDisallow: /all\n\nUser-Agent: SkyHaul\nDisallow: /ours\n';

    expect(forbids(text, '/all')).toBeUndefined();
    expect(forbids(text, '/ours/x')).toBe(5);
    expect(forbids(text, '/all', 'other')).toBe(2);
    expect(forbids(text, '/ours', 'other')).toBeUndefined();
  });

  it('says the same in two groups as in one', () => {
    const text =
      'User-agent: skyhaul\nDisallow: /a\n\nUser-agent: *\nDisallow: /\n\nUser-agent: skyhaul\nDisallow: /b\n';

    expect(['/a', '/b', '/c'].map((path) => forbids(text, path))).toEqual([2, 8, undefined]);
  });

  it('goes by the longest match, and by Allow where two are as long', () => {
    const text = 'User-agent: *\nDisallow: /a/\nAllow: /a/b/\nDisallow: /a/b/c\nAllow: /a/b/c\n';

    expect(['/a/x', '/a/b/x', '/a/b/c'].map((path) => forbids(text, path))).toEqual([2, undefined, undefined]);
  });

  it('knows * and $, and queries', () => {
    const text = 'User-agent: *\nDisallow: /*.gif$\nDisallow: /x?*id=\n';

    expect(['/a/b.gif', '/a/b.gif?x', '/x?a=1&id=2', '/x'].map((path) => forbids(text, path))).toEqual([
      2,
      undefined,
      3,
      undefined,
    ]);
  });

  it('means the same path however it is escaped', () => {
    expect(forbids('User-agent: *\nDisallow: /%7Ejoe/%e4\n', '/~joe/%E4/x')).toBe(2);
    expect(forbids('User-agent: *\nDisallow: /~joe/\n', '/%7ejoe/x')).toBe(2);
    expect(forbids('User-agent: *\nDisallow: /a%2Fb\n', '/a/b')).toBeUndefined();
  });

  it('never forbids itself', () => {
    expect(forbids('User-agent: *\nDisallow: /\n', '/robots.txt')).toBeUndefined();
    expect(forbids('User-agent: *\nDisallow: /\n', '/robots.txt.gz')).toBe(2);
  });

  it('may begin with a byte order mark, end lines in any way, and hold comments', () => {
    expect(forbids('\uFEFFuser-agent: * # all\r\ndisallow: /a # not this\rdisallow: /b', '/b')).toBe(3);
  });

  it('may be any text at all', () => {
    const line = fc.oneof(fc.string(), fc.constantFrom('User-agent: *', 'Disallow: /*a*b$', 'Crawl-delay: -1'));
    fc.assert(
      fc.property(fc.array(line), fc.webPath(), (lines, path) => {
        const rules = parseRobots('https://a.example', lines.join('\n'));
        rules.forbids(new URL(`https://a.example${path}`), '__proto__');
        expect(rules.delayMs('skyhaul')).toBeGreaterThanOrEqual(0);
        expect(rules.delayMs('skyhaul')).toBeLessThanOrEqual(10_000);
      }),
    );
  });

  it.each([
    ['2', 2_000],
    ['0.5', 500],
    ['31536000', 10_000],
    ['-1', 0],
    ['soon', 0],
    ['Infinity', 10_000],
  ])('with Crawl-delay: %s asks for a pause of %d ms', (delay, ms) => {
    expect(parseRobots('https://a.example', `User-agent: *\nCrawl-delay: ${delay}\n`).delayMs('skyhaul')).toBe(ms);
  });
});

describe('the User-Agent', () => {
  it('says what asks, where it comes from, and whom to write to', () => {
    expect(userAgentOf()).toBe('skyhaul/0.1 (+https://github.com/skyhaul/skyhaul)');
    expect(userAgentOf({ contact: 'me@a.example' })).toBe(
      'skyhaul/0.1 (+https://github.com/skyhaul/skyhaul; me@a.example)',
    );
    expect(userAgentOf({ userAgent: 'Own/1', contact: 'https://a.example/me' })).toBe('Own/1 (https://a.example/me)');
  });

  it('begins with what a robots.txt may call it', () => {
    expect(productToken(userAgentOf())).toBe('skyhaul');
    expect(productToken('My_Bot-x/2.0 (y)')).toBe('My_Bot-x');
    expect(productToken('007')).toBe('*');
  });
});
