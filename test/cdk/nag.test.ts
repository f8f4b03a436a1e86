import { Validations } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { describe, expect, it } from 'vitest';
import type { BatchDownloaderProps } from '../../cdk/props.ts';
import { type Synthesised, synthesise } from './synth.ts';

const plain = synthesise();

function findings({ downloader }: Synthesised): string[] {
  const { violations } = new AwsSolutionsChecks().validateScope(downloader);
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath}`),
  );
}

/** What was acknowledged, and why. */
function acknowledged(scope: IConstruct): [string, string][] {
  return scope.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries(data as Record<string, string>))
    .map(([id, reason]) => [id.replace(/^Annotation::/, ''), reason]);
}

describe('cdk-nag’s AwsSolutions', () => {
  it('finds nothing in a downloader without props', () => {
    expect(findings(plain)).toEqual([]);
  });

  it('does look at it: without the acknowledgements it finds each of the wildcards', () => {
    const bare = synthesise();
    for (const { node } of bare.downloader.node.findAll()) {
      for (const entry of node.metadata) Object.assign(entry, { type: `not-${entry.type}` });
    }

    const found = findings(bare).map((finding) => finding.split(' ')[0]);
    expect(new Set(found).size).toBeGreaterThan(8);
    expect(new Set(found)).toEqual(
      new Set(
        acknowledged(plain.downloader)
          .map(([id]) => id)
          .filter((id) => id.startsWith('AwsSolutions')),
      ),
    );
  });

  it('is answered with a reason each time, and only about wildcards and access logs', () => {
    for (const [id, reason] of acknowledged(plain.downloader)) {
      expect(id).toMatch(
        /^(AwsSolutions-IAM5\[Resource::.*\*.*\]|AwsSolutions-S1|@aws-cdk\/aws-stepfunctions:propertyIgnored)$/,
      );
      expect(reason.length).toBeGreaterThan(20);
    }
  });

  it.each<[string, (stack: Synthesised['stack']) => BatchDownloaderProps]>([
    ['a key', (stack) => ({ encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }) })],
    [
      'buckets to read from and to write to',
      (stack) => ({
        destinations: [{ bucket: Bucket.fromBucketName(stack, 'To', 'archive'), prefix: 'in/2026' }],
        manifestSources: [{ bucket: Bucket.fromBucketName(stack, 'From', 'lists') }],
      }),
    ],
    ['a bucket of one’s own', (stack) => ({ bucket: Bucket.fromBucketName(stack, 'Own', 'mine') })],
    [
      'access logs',
      (stack) => ({ accessLogs: { bucket: Bucket.fromBucketName(stack, 'Logs', 'logs'), prefix: 'skyhaul' } }),
    ],
  ])('finds nothing with %s either', (_, propsOf) => {
    expect(findings(synthesise(propsOf))).toEqual([]);
  });
});
