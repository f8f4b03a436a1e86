import { startOrigin } from '../support/origin.ts';
import { ranged } from '../support/origin-ranges.ts';
import { stream, lines, download, downloadAll, upload } from 'skyhaul';
const o = await startOrigin({ '/t': { body: 'a\r\nb\nc' }, '/g': ranged({ seed: 1, bytes: 1 << 30 }, '"v"', {drip: undefined}) });
const allowNetworks = ['127.0.0.0/8'];
for await (const l of lines(o.url('/t'), { allowNetworks })) console.log(JSON.stringify(l));
for (const how of ['iter', 'web', 'node', 'iter', 'web', 'node'] as const) for (const chunkBytes of [undefined, 65536, 1 << 20]) {
  const s = await stream(o.url('/g'), { allowNetworks, chunkBytes });
  const c = process.cpuUsage(); const t = performance.now();
  let n = 0, k = 0;
  const it: AsyncIterable<Uint8Array> = how === 'iter' ? s : how === 'web' ? s.body : s.toNode();
  for await (const x of it) { n += x.length; k++; }
  const u = process.cpuUsage(c);
  console.log(how, chunkBytes, n, k, (n/k)|0, ((u.user+u.system)/1e6).toFixed(2), ((performance.now()-t)/1e3).toFixed(2), (process.memoryUsage().rss/1048576)|0);
}
console.log(await download(o.url('/t'), { to: '/tmp/lib-try/a', allowNetworks }));
const d = downloadAll([o.url('/t'), o.url('/404'), o.url('/t'), 'ftp://x'], { to: '/tmp/lib-try/b', allowNetworks });
for await (const x of d) console.log(x);
console.log(await d.summary());
console.log(await upload((function* () { yield 'abc'; yield new Uint8Array(3); })(), { to: '/tmp/lib-try/c', key: 'x/y' }));
await o.close();
console.log(process.getActiveResourcesInfo());
