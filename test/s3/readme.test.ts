import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { needsS3, readmeEnvironment, readReadmeCommands } from '../cli/readme-commands.ts';
import { startProcess } from '../cli/skyhaul-process.ts';
import { type Origin, startOrigin } from '../support/origin.ts';

const endpoint = inject('s3Endpoint');
const commands = (await readReadmeCommands()).filter(needsS3);
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

describe('every command of README.md that needs S3', () => {
  const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  let folder: string;
  let origin: Origin;
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skyhaul-readme-'));
    origin = await startOrigin({ '/list.bin': { body: 'from the list' } });
    // A command without --endpoint finds this S3 the way it finds AWS.
    env = {
      ...(await readmeEnvironment(folder)),
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
    const list = `${origin.url('/list.bin')}\n`;
    await writeFile(join(folder, 'my-list.txt'), list);
    await s3.send(new CreateBucketCommand({ Bucket: 'my-bucket' }));
    await s3.send(new PutObjectCommand({ Bucket: 'my-bucket', Key: 'lists/my-list.txt', Body: list }));
  });

  afterAll(async () => {
    s3.destroy();
    await origin.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is found', () => {
    expect(commands.length).toBeGreaterThanOrEqual(3);
  });

  it.each(commands)('works: %s', async (command) => {
    const here = command.replaceAll('http://127.0.0.1:9000', endpoint);

    const ended = await startProcess('sh', ['-c', here], { cwd: folder, env }).ended;

    expect(ended, ended.stderr).toMatchObject({ code: 0 });
  });

  it('did what it says', async () => {
    const Key = `incoming/127.0.0.1_${origin.port}/list.bin`;
    const object = await s3.send(new GetObjectCommand({ Bucket: 'my-bucket', Key }));

    expect(await object.Body?.transformToString()).toBe('from the list');
    const file = join(folder, 'downloads', `127.0.0.1_${origin.port}`, 'list.bin');
    expect(await readFile(file, 'utf8')).toBe('from the list');
  });
});
