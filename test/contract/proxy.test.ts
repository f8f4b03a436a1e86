import { describe, expect, it } from 'vitest';
import { item } from '../../lib/contract/item.ts';
import { checkContract } from '../../lib/contract/parse.ts';
import { originOfProxy } from '../../lib/contract/proxy.ts';

const texts = (proxy: unknown): readonly string[] => {
  const checked = checkContract(item, { url: 'https://example.com/a', request: { proxy } });
  return checked.ok ? [] : checked.problems.map(({ text }) => text);
};

describe('the proxy of a request', () => {
  it.each([
    'http://proxy.example:3128',
    'https://proxy.example',
    'http://[2606:2800:21f::1]:3128/',
    false,
    { url: 'http://proxy.example:3128' },
    { url: 'http://proxy.example:3128', username: 'u' },
    { url: 'http://proxy.example:3128', username: 'u', password: 'p:w', targets: 'proxy' },
    { url: 'https://proxy.example', username: 'u', password: { secret: 'name#field' }, targets: 'checked' },
  ])('may be %j', (proxy) => {
    expect(texts(proxy)).toEqual([]);
  });

  it.each([
    ['proxy.example:3128', /the URL of a proxy, such as http:\/\/proxy\.example:3128/],
    ['socks5://proxy.example:1080', /the URL of a proxy/],
    ['http://me:canary@proxy.example', /give \{ "url": …, "username": …, "password": … \} instead/],
    ['http://proxy.example/path', /nothing behind them/],
    [{ url: 'http://me@proxy.example' }, /without user info/],
    [{ url: 'http://proxy.example', password: 'canary' }, /required beside `password`/],
    [{ url: 'http://proxy.example', username: 'a:b', password: 'canary' }, /without colon/],
    [{ url: 'http://proxy.example', targets: 'none' }, /targets/],
    [{ url: 'http://proxy.example', pasword: 'canary' }, /unknown field/],
    [{}, /./],
    [true, /false, the URL of a proxy/],
  ])('may not be %j, and what it may be is said without repeating it', (proxy, text) => {
    const [problem = '', ...others] = texts(proxy);

    expect(problem).toMatch(text);
    expect(others).toEqual([]);
    expect(problem).not.toContain('canary');
  });

  it('has an origin, which its credentials are bound to', () => {
    expect(originOfProxy('http://proxy.example:80')).toBe('http://proxy.example');
    expect(originOfProxy({ url: 'https://proxy.example:3129/' })).toBe('https://proxy.example:3129');
  });
});
