import { describe, expect, it } from 'vitest';
import { readProxy } from '../../cli/read-proxy.ts';
import { readRunFlags } from '../../cli/run-flags.ts';

describe('--proxy', () => {
  it('is a URL, or an object in JSON', () => {
    expect(readProxy(undefined)).toEqual({ proxy: undefined, problems: [] });
    expect(readProxy('http://proxy.example:3128').proxy).toBe('http://proxy.example:3128');
    expect(readProxy('{"url":"https://proxy.example","username":"u","password":{"secret":"p"}}').proxy).toEqual({
      url: 'https://proxy.example',
      username: 'u',
      password: { secret: 'p' },
    });
  });

  it('stands in the request of every item', () => {
    const flags = readRunFlags(['list.txt'], { to: './out', proxy: 'http://proxy.example:3128', userAgent: 'me/1' });

    expect(flags.options).toEqual({ request: { userAgent: 'me/1', proxy: 'http://proxy.example:3128' } });
  });

  it.each([
    'proxy.example:3128',
    'http://me:canary@proxy.example',
    'http://me:canary',
    'me:canary',
    '{"url":"http://p", canary',
    '{"password":"canary"}',
  ])('is refused where it is %s, without being repeated', (text) => {
    const { proxy, problems } = readProxy(text);

    expect(proxy).toBeUndefined();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^--proxy: /);
    expect(problems[0]).not.toContain('canary');
  });

  it.each([
    ['proxy.example:3128', 'the URL of a proxy, such as http://proxy.example:3128, found "proxy.example:3128"'],
    ['socks5://p:1080', 'the URL of a proxy, such as http://proxy.example:3128, found "socks5://p:1080"'],
    ['http://p/path', 'scheme, host and port of a proxy, nothing behind them, found "http://p/path"'],
    ['{"url":"http://p"', 'it begins as JSON and is none'],
    ['{"url":"http://p","usernam":"u"}', 'unknown field `usernam`; did you mean `username`?'],
    ['{"url":"http://p","user":"u"}', 'unknown field `user`; known are `url`, `username`, `password`, `targets`'],
    ['{"url":"p"}', '`url`: the URL of a proxy, such as http://proxy.example:3128'],
    ['{"url":"http://p","targets":"check"}', '`targets`: `checked` or `proxy`; did you mean `checked`?'],
    ['{"username":"u"}', '`url` is missing'],
  ])('says of %s what it must be', (text, problem) => {
    expect(readProxy(text).problems).toEqual([`--proxy: ${problem}`]);
  });
});
