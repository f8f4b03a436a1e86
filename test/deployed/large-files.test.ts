import { setTimeout as sleep } from 'node:timers/promises';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { killPeer } from '../support/kill-peer.ts';
import { deployedStack } from '../support/localstack-stack.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { LargeFile } from './large-file.ts';
import { Runs } from './runs.ts';

const MiB = 1024 * 1024;
let runs: Runs;

beforeAll(() => {
  runs = new Runs(deployedStack());
});

afterAll(() => runs.close());

/** A worker lives 45 s here, and 15 s of them it reads. */
describe.concurrent('a large file', () => {
  it('that takes longer than a worker lives is finished by several, and every byte is fetched once', async () => {
    await using file = await LargeFile.serve(bytesOf('several', 100 * MiB + 3), { bytesPerSecond: 4 * MiB });

    const { run, outcomes } = await runs.run({ items: [file.item] });

    expect(outcomes).toMatchObject([{ outcome: 'stored', verified: 'length', attempts: 1 }]);
    expect(await file.isStored(runs, run)).toBe(true);
    expect(file.beginnings.length).toBeGreaterThan(1);
    // At most the part under way is fetched again by the next one.
    expect(file.sentBytes).toBeLessThan(file.body.length + file.beginnings.length * 9 * MiB);
    expect(await runs.openUploads(run)).toEqual([]);
  });

  it('L01, L03: whose worker is killed in the middle of a part goes on with the parts that it had stored', async () => {
    await using file = await LargeFile.serve(bytesOf('killed', 60 * MiB + 3), {
      onRequest: (request, response, number) => {
        if (number > 1) return false;
        response.writeHead(200, { ETag: '"v1"', 'Content-Length': file.body.length });
        const sent = () => setTimeout(() => void killPeer(request.socket), 2_000);
        response.write(file.body.subarray(0, 44 * MiB), () => void sent());
        return true;
      },
    });

    const { run, outcomes } = await runs.run({ items: [file.item] });

    expect(outcomes).toMatchObject([{ outcome: 'stored', bytes: file.body.length }]);
    expect(await file.isStored(runs, run)).toBe(true);
    expect(Math.min(...file.beginnings.slice(1))).toBe(40 * MiB);
    expect(await runs.openUploads(run)).toEqual([]);
  });

  it('is split over the connections of its host when its round is over, and arrives byte for byte', async () => {
    await using file = await LargeFile.serve(bytesOf('split', 160 * MiB + 3), { bytesPerSecond: 6 * MiB });
    const options = { roundMinutes: 0.15, perHostConnections: 3 };

    const { run, outcomes } = await runs.run({ items: [file.item], options });

    expect(outcomes).toMatchObject([{ outcome: 'stored', attempts: 1 }]);
    expect(await file.isStored(runs, run)).toBe(true);
    expect(file.mostAtOnce).toBe(3);
    expect(await runs.openUploads(run)).toEqual([]);
  });

  it('goes on under its run id after StopExecution, and no item that was stored is fetched again', async () => {
    await using file = await LargeFile.serve(bytesOf('stopped', 60 * MiB + 3), { bytesPerSecond: 4 * MiB });
    await using small = await LargeFile.serve(bytesOf('small', 1_000));
    const items = [small.itemAs('one'), small.itemAs('two'), file.item];
    const run = runs.newRun();
    const executionArn = await runs.start(run, { items });
    while (file.sentBytes < 20 * MiB) await sleep(200);

    await runs.functions.send(new StopExecutionCommand({ executionArn }));
    await runs.stopped(executionArn);
    const { counts } = await runs.ended(await runs.start(run, { items }));

    expect(counts).toEqual({ stored: 3, skipped: 0, failed: 0 });
    expect((await runs.outcomes(run)).map(({ line, outcome }) => [line, outcome])).toEqual([
      [1, 'stored'],
      [2, 'stored'],
      [3, 'stored'],
    ]);
    expect(small.beginnings.length).toBe(2);
    expect(await file.isStored(runs, run)).toBe(true);
    expect(Math.min(...file.beginnings.slice(1))).toBeGreaterThanOrEqual(8 * MiB);
    expect(await runs.openUploads(run)).toEqual([]);
  });
});
