import { describe, expect, it } from 'vitest';
import type { HeaderList } from '../../lib/source/header-list.ts';
import { decideRedirect } from '../../lib/source/redirect.ts';

function decide(from: string, locations: readonly string[], followed = 0) {
  const headers: HeaderList = locations.map((location) => ['location', location] as const);
  return decideRedirect({ from: new URL(from), headers, followed, maxRedirects: 10 }, []);
}

describe('decideRedirect', () => {
  it.for([
    ['https://a.example/x/y?q', 'z', 'https://a.example/x/z', true],
    ['https://a.example/x', '//b.example/y', 'https://b.example/y', false],
    ['https://a.example/x', 'https://a.example:443/y', 'https://a.example/y', true],
    ['https://a.example/x', 'https://a.example:8443/y', 'https://a.example:8443/y', false],
    ['http://a.example/x', 'https://a.example/x', 'https://a.example/x', false],
    ['http://a.example/x', 'http:////b.example/y', 'http://b.example/y', false],
    ['http://a.example/x', 'http:y', 'http://a.example/y', true],
    ['http://a.example/x', 'http://sub.a.example/x', 'http://sub.a.example/x', false],
    ['http://a.example/x', '\\\\b.example\\y', 'http://b.example/y', false],
  ] as const)('H53 H61: from %s to %s is %s (same origin: %s)', ([from, location, to, isSameOrigin]) => {
    const decision = decide(from, [location]);

    expect(decision).toMatchObject({ action: 'follow', isSameOrigin });
    if (decision.action === 'follow') expect(decision.url.href).toBe(to);
  });

  it('H61: takes two identical Locations as one, and two different ones as none', () => {
    expect(decide('http://a.example/', ['/b', '/b']).action).toBe('follow');
    expect(decide('http://a.example/', ['/b', '/c'])).toMatchObject({ error: { name: 'RedirectRefused' } });
  });

  it('H54: counts', () => {
    expect(decide('http://a.example/', ['/b'], 9).action).toBe('follow');
    expect(decide('http://a.example/', ['/b'], 10)).toMatchObject({ error: { name: 'TooManyRedirects' } });
  });

  it('H59: keeps AddressRefused apart, since it has another cure', () => {
    expect(decide('http://a.example/', ['http://127.1:8080/'])).toMatchObject({ error: { name: 'AddressRefused' } });
  });

  it('never shows the query of either side', () => {
    const refused = decide('https://a.example/?sig=CANARY', ['http://b.example/?sig=CANARY']);

    expect(refused).toMatchObject({ error: { name: 'RedirectRefused' } });
    expect(JSON.stringify(refused) + String(refused.action === 'refuse' && refused.error.message)).not.toContain(
      'CANARY',
    );
  });
});
