import { onTestFinished } from 'vitest';
import type { ProxySettings, SourceClient } from '../../lib/source/source.ts';
import { type ConnectProxy, type ProxyOptions, startConnectProxy } from '../support/connect-proxy.ts';
import { makeCertificate } from '../support/origin-certificate.ts';
import { asked, readAll, withBody } from './fixture.ts';

/** Of origins and of proxies, so that one `ca` is enough. */
export const tls = makeCertificate({
  names: ['localhost', '127.0.0.1', '127.0.0.2', 'a.test', 'b.test', 'proxy.test'],
});

/** Closed with the test. */
export async function proxyOf(options: ProxyOptions = {}): Promise<ConnectProxy> {
  const proxy = await startConnectProxy(options);
  onTestFinished(() => proxy.close());
  return proxy;
}

export function settingsOf(
  proxy: Pick<ConnectProxy, 'url'> | string,
  more: Partial<ProxySettings> = {},
): ProxySettings {
  return { url: typeof proxy === 'string' ? proxy : proxy.url, targets: 'checked', ...more };
}

/** Opens and reads to the end or to the error. */
export async function readThrough(client: SourceClient, url: string, proxy: ProxySettings, headers = {}) {
  return readAll(withBody(await client.open({ ...asked(url, { headers }), proxy })));
}

/** Every text of an error, its causes included. */
export function everythingSaid(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.name} ${error.message} ${error.stack} ${JSON.stringify(error)} ${everythingSaid(error.cause)}`;
}

export async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries += 1) {
    if (tries === 1_000) throw new Error('it did not come so');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
