import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { BatchDownloader } from './batch-downloader.ts';
import type { BatchDownloaderProps } from './props.ts';

/** A stack with one downloader and nothing else: what `cdk deploy` deploys from a clone of this repository. */
export class SkyhaulStack extends Stack {
  readonly downloader: BatchDownloader;

  /** Props are made in the stack, since buckets and keys are imported into it. */
  constructor(
    scope: Construct,
    id: string,
    propsOf: (stack: Stack) => BatchDownloaderProps = () => ({}),
    stackProps: StackProps = {},
  ) {
    super(scope, id, { description: 'Skyhaul: downloads a list of URLs into S3', ...stackProps });
    this.downloader = new BatchDownloader(this, 'Downloader', propsOf(this));
  }
}
