import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactUrl } from '../../lib/errors/redact-url.ts';

describe('redactUrl', () => {
  it.each([
    ['https://example.com:8080/a/b', 'https://example.com:8080/a/b'],
    ['https://me:pw@example.com/a?sig=1#x', 'https://example.com/a?…'],
    ['s3://bucket/key', 's3://bucket/key'],
    ['example.com/a?sig=1', '(not a URL)'],
    ['me:pw@example.com/a', '(not a URL)'],
    ['data:text/plain,secret', '(not a URL)'],
    ['', '(not a URL)'],
  ])('shows %j as %j', (text, shown) => {
    expect(redactUrl(text)).toBe(shown);
  });

  it('I10: never shows what stands in user info, query or fragment', () => {
    const secret = 'cAnArY7f3a';
    const any = fc.string({ maxLength: 10 });

    fc.assert(
      fc.property(any, any, fc.constantFrom('userinfo', 'query', 'fragment'), (before, after, place) => {
        const hidden = encodeURIComponent(before.toWellFormed()) + secret + encodeURIComponent(after.toWellFormed());
        const text = {
          userinfo: `https://me:${hidden}@example.com/`,
          query: `https://example.com/?${hidden}`,
          fragment: `https://example.com/#${hidden}`,
        }[place];

        expect(redactUrl(text)).toContain('example.com');
        expect(redactUrl(text)).not.toContain(secret);
      }),
    );
  });

  it('is one line without control characters, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(redactUrl(`https://h/${text}`)).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
