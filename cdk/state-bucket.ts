import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { type Folder, STATE_PREFIX } from './folder.ts';

export interface StateBucketProps {
  readonly key: IKey | undefined;
  readonly accessLogs: Folder | undefined;
  readonly stateExpiration: Duration;
  readonly removalPolicy: RemovalPolicy;
}

/** S19: more than twice the longest usual run (72 hours), so that no upload is taken from under a transfer. */
const INCOMPLETE_UPLOADS = Duration.days(7);

/** The bucket of run state and, by default, of data. Data never expires. */
export function createStateBucket(scope: Construct, id: string, props: StateBucketProps): Bucket {
  const { key, accessLogs } = props;
  const bucket = new Bucket(scope, id, {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    versioned: true,
    ...(key
      ? { encryption: BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true }
      : { encryption: BucketEncryption.S3_MANAGED }),
    removalPolicy: props.removalPolicy,
    lifecycleRules: [
      { id: 'abort-incomplete-uploads', abortIncompleteMultipartUploadAfter: INCOMPLETE_UPLOADS },
      {
        id: 'expire-run-state',
        prefix: STATE_PREFIX,
        expiration: props.stateExpiration,
        // What was overwritten or has expired holds the same URLs and headers.
        noncurrentVersionExpiration: Duration.days(1),
      },
    ],
    ...(accessLogs && { serverAccessLogsBucket: accessLogs.bucket, serverAccessLogsPrefix: accessLogs.prefix }),
  });
  if (!accessLogs) {
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'A line per request would be millions for one run, which the report lists already. The prop accessLogs turns it on.',
    });
  }
  return bucket;
}
