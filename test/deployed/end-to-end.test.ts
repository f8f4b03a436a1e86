import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../lib/contract/outcome.ts';
import { startSkyhaul } from '../cli/skyhaul-process.ts';
import { killPeer } from '../support/kill-peer.ts';
import { deployedStack } from '../support/localstack-stack.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { type Handler, listen, Runs } from './runs.ts';

const MiB = 1024 * 1024;
const HOSTS = 50;
const servers: Server[] = [];
let runs: Runs;

async function serve(handler: Handler, address?: string): Promise<string> {
  const { server, url } = await listen(handler, address);
  servers.push(server);
  return url;
}

beforeAll(() => {
  runs = new Runs(deployedStack());
});

afterAll(() => {
  for (const server of servers) server.close().closeAllConnections();
  runs.close();
});

describe.concurrent('the deployed state machine', () => {
  it('stores inline items byte for byte, and a failing item does not fail the run', async () => {
    const big = bytesOf('inline', 20 * MiB + 1);
    const files: Record<string, Buffer> = { '/big': big, '/small': Buffer.from('small'), '/empty': Buffer.alloc(0) };
    const url = await serve(({ url: path = '' }, response) => {
      const body = files[path];
      response.writeHead(body ? 200 : 404, { 'Content-Length': body?.length ?? 0 }).end(body);
    });
    const items = [
      { url: `${url}/big`, key: 'big', sha256: createHash('sha256').update(big).digest('hex') },
      { url: `${url}/small`, key: 'small' },
      { url: `${url}/empty`, key: 'empty' },
      { url: `${url}/missing`, key: 'missing' },
      { url: `${url}/small`, key: 'wrong', md5: '0'.repeat(32) },
    ];

    const { run, summary, outcomes } = await runs.run({ items });

    expect(summary.counts).toEqual({ stored: 3, skipped: 0, failed: 2 });
    expect(outcomes).toMatchObject([
      { line: 1, outcome: 'stored', verified: 'digest', bytes: big.length },
      { line: 2, outcome: 'stored', verified: 'length' },
      { line: 3, outcome: 'stored', bytes: 0 },
      { line: 4, outcome: 'failed', error: 'NotFound' },
      { line: 5, outcome: 'failed', error: 'DigestMismatch' },
    ]);
    expect(big.equals(await runs.bytes(`data/${run}/`, 'big'))).toBe(true);
    expect(await runs.text(`data/${run}/`, 'small')).toBe('small');
    expect(await runs.store(`data/${run}/`).head('wrong')).toBeUndefined();
    expect(await runs.openUploads(run)).toEqual([]);
  });

  it('runs a list in S3 of 200 URLs on 50 hosts through the distributed Map, and as `skyhaul run` does', async () => {
    const answer: Handler = ({ url: path = '' }, response) => {
      const index = Number(path.slice(1));
      if (index % 50 === 49) return response.writeHead(404).end();
      return response.writeHead(200, { ETag: `"${index}"` }).end(bytesOf(index, 1_000 + index));
    };
    const urls = await Promise.all(Array.from({ length: HOSTS }, (_, host) => serve(answer, `127.0.0.${host + 1}`)));
    const lines = Array.from({ length: 200 }, (_, index) => ({
      url: `${urls[index % HOSTS]}/${index}`,
      key: `file/${index}`,
    }));
    const list = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const run = runs.newRun();
    const uri = `s3://${runs.stack.bucket}/runs/${run}/manifest.jsonl`;
    const { crc32 } = await import('node:zlib');
    const bytes = Buffer.from(list);
    await runs
      .store('')
      .put(`runs/${run}/manifest.jsonl`, bytes, { condition: { kind: 'absent' }, crc32: crc32(bytes) });

    // With one transfer at once in a worker, so that there are more shards than an inline Map takes.
    const executionArn = await runs.start(run, { manifest: { uri }, options: { slots: 1 } });
    const summary = await runs.ended(executionArn);
    const outcomes = await runs.outcomes(run);

    expect(summary.counts).toEqual({ stored: 196, skipped: 0, failed: 4 });
    expect(outcomes.map(({ line }) => line)).toEqual(lines.map((_, index) => index + 1));
    for (const index of [0, 1, 100, 198]) {
      expect(bytesOf(index, 1_000 + index).equals(await runs.bytes(`data/${run}/`, `file/${index}`))).toBe(true);
    }
    expect(await statesOf(executionArn)).toContain('FanOutDistributed');
    expect(await inProcess(list)).toEqual(outcomes.map(comparable));
  });

  it('L01: goes on when a worker is killed in the middle of a body, and finishes its items in the next round', async () => {
    const body = bytesOf('killed', 12 * MiB);
    let requests = 0;
    const url = await serve((request, response) => {
      requests += 1;
      response.writeHead(200, { 'Content-Length': body.length });
      if (requests > 1) return response.end(body);
      return response.write(body.subarray(0, 9 * MiB), () => void killPeer(request.socket));
    });

    const { run, outcomes } = await runs.run({ items: [{ url: `${url}/file`, key: 'file' }] });

    expect(outcomes).toMatchObject([{ outcome: 'stored', bytes: body.length }]);
    expect(requests).toBe(2);
    expect(body.equals(await runs.bytes(`data/${run}/`, 'file'))).toBe(true);
  });

  it('fails an item that kills its worker each time as WorkerCrashed, and stores its neighbours', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/poison') void killPeer(request.socket);
      else response.end('harmless');
    });
    const items = ['/before', '/poison', '/after'].map((path) => ({ url: `${url}${path}`, key: path.slice(1) }));

    const { outcomes } = await runs.run({ items, options: { perHostConnections: 1 } });

    expect(outcomes).toMatchObject([
      { key: 'before', outcome: 'stored' },
      { key: 'poison', outcome: 'failed', error: 'WorkerCrashed' },
      { key: 'after', outcome: 'stored' },
    ]);
  });
});

/** The same list on this machine. */
async function inProcess(list: string): Promise<Partial<Outcome>[]> {
  const folder = await mkdtemp(join(tmpdir(), 'skyhaul-same-'));
  await writeFile(join(folder, 'list.jsonl'), list);
  const words = ['run', 'list.jsonl', '--to', './out', '--run', 'same', '--allow-network', '127.0.0.0/8', '--quiet'];
  await startSkyhaul(words, { cwd: folder }).ended;
  const report = await readFile(join(folder, 'out/.skyhaul/runs/same/report.jsonl'), 'utf8');
  await rm(folder, { recursive: true, force: true });
  return report
    .split('\n')
    .filter(Boolean)
    .map((line) => comparable(JSON.parse(line)));
}

/** An outcome but for its time and the destination's own name for the object. */
function comparable({ ms: _ms, objectEtag: _etag, ...outcome }: Outcome): Partial<Outcome> {
  return outcome;
}

async function statesOf(executionArn: string): Promise<string[]> {
  const { events = [] } = await runs.functions.send(
    new GetExecutionHistoryCommand({ executionArn, maxResults: 1_000 }),
  );
  return events.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []);
}
