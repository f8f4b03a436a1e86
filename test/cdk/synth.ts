import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { BatchDownloader } from '../../cdk/batch-downloader.ts';
import type { BatchDownloaderProps } from '../../cdk/props.ts';

export const workerNames = ['Plan', 'Transfer', 'Report', 'Janitor'] as const;
type WorkerName = (typeof workerNames)[number];

/** A stack with one downloader, synthesised, and its resources as CloudFormation would see them. */
interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: readonly string[];
}

export interface Synthesised {
  readonly stack: Stack;
  readonly downloader: BatchDownloader;
  readonly template: Template;
  readonly resources: Readonly<Record<string, Resource>>;
  /** Logical id and properties of all resources of a type. */
  ofType(type: string): (readonly [string, Resource])[];
  /** Properties of the only resource of a type. */
  only(type: string): Record<string, unknown>;
  /** Properties of the one function whose logical id has this in it. */
  functionOf(name: WorkerName): Record<string, unknown>;
  /** Of Plan, unless another is named. */
  environment(name?: WorkerName): Record<string, string>;
}

export function synthesise(propsOf: (stack: Stack) => BatchDownloaderProps = () => ({})): Synthesised {
  const stack = new Stack(new App({ analyticsReporting: false }), 'Test');
  const downloader = new BatchDownloader(stack, 'Downloader', propsOf(stack));
  const template = Template.fromStack(stack);
  const resources: Record<string, Resource> = template.toJSON().Resources;
  const ofType = (type: string) => Object.entries(resources).filter(([, resource]) => resource.Type === type);
  const only = (type: string) => {
    const [found, ...more] = ofType(type);
    if (!found || more.length > 0) throw new Error(`not one ${type}`);
    return found[1].Properties;
  };
  const functionOf: Synthesised['functionOf'] = (name) => {
    const found = ofType('AWS::Lambda::Function').find(([id]) => id.startsWith(`Downloader${name}`));
    if (!found) throw new Error(`no function ${name}`);
    return found[1].Properties;
  };
  return {
    stack,
    downloader,
    template,
    resources,
    ofType,
    only,
    functionOf,
    environment(name = 'Report') {
      const { Variables } = functionOf(name).Environment as { Variables: Record<string, unknown> };
      return Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, render(value)]));
    },
  };
}

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::AccountId': '111111111111',
  'AWS::Region': 'eu-central-1',
  'AWS::Partition': 'aws',
};

/** A template's value as the text that CloudFormation would make of it. Resources get their logical id for a name. */
export function render(value: unknown): string {
  if (typeof value === 'string') return value;
  const { 'Fn::Join': join, 'Fn::GetAtt': attribute, Ref: ref } = value as Record<string, unknown>;
  if (Array.isArray(join)) return (join[1] as unknown[]).map(render).join(String(join[0]));
  if (Array.isArray(attribute)) return renderAttribute(String(attribute[0]), String(attribute[1]));
  if (typeof ref === 'string') return PSEUDO[ref] ?? (/StateMachine/.test(ref) ? renderAttribute(ref, 'Arn') : ref);
  throw new Error(`no text: ${JSON.stringify(value)}`);
}

function renderAttribute(id: string, attribute: string): string {
  if (attribute === 'Name') return id;
  if (/StateMachine/.test(id)) return `arn:aws:states:eu-central-1:111111111111:stateMachine:${id}`;
  if (/Function/.test(id)) return `arn:aws:lambda:eu-central-1:111111111111:function:${id}`;
  if (/Logs/.test(id)) return `arn:aws:logs:eu-central-1:111111111111:log-group:${id}:*`;
  if (/Key/.test(id)) return `arn:aws:kms:eu-central-1:111111111111:key/${id}`;
  if (/Bucket/.test(id)) return `arn:aws:s3:::${id}`;
  throw new Error(`no ${attribute} of ${id}`);
}

export function bucketNamed(stack: Stack, name: string): IBucket {
  return Bucket.fromBucketName(stack, `Imported-${name}`, name);
}
