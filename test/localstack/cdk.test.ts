import { join } from 'node:path';
import { CloudFormationClient, ListStacksCommand } from '@aws-sdk/client-cloudformation';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, inject, test } from 'vitest';
import { deployStacks, destroyStacks } from '../../localstack/cdk.ts';
import { ACCESS } from '../support/localstack-functions.ts';

const { endpoint } = inject('localStack');
const app = `node ${join(import.meta.dirname, '../support/localstack-app.ts')}`;

test('an app is bootstrapped, deployed with its context, and destroyed', { timeout: 180_000 }, async () => {
  const outputs = await deployStacks({ endpoint, app, context: { greeting: 'hello' } });

  expect(outputs).toEqual({
    SkyhaulDeployTest: { BucketName: expect.any(String), Greeting: 'hello', Runtime: 'nodejs22.x' },
  });
  const s3 = new S3Client({ ...ACCESS, endpoint });
  await s3.send(new HeadBucketCommand({ Bucket: outputs.SkyhaulDeployTest?.BucketName }));

  await destroyStacks({ endpoint, app });

  const { StackSummaries = [] } = await new CloudFormationClient({ ...ACCESS, endpoint }).send(
    new ListStacksCommand({ StackStatusFilter: ['CREATE_COMPLETE', 'UPDATE_COMPLETE'] }),
  );
  expect(StackSummaries.map(({ StackName }) => StackName)).not.toContain('SkyhaulDeployTest');
});

test('what cdk says is told when it fails', async () => {
  await expect(deployStacks({ endpoint, app: 'node nowhere.mjs' })).rejects.toThrow(
    /^cdk deploy failed:.*nowhere\.mjs/s,
  );
});
