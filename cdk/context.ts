import { Duration, RemovalPolicy, Size, type Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Architecture, Runtime, RuntimeFamily } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { deployedLimits } from '../lib/contract/deployed-limits.ts';
import { checkContract } from '../lib/contract/parse.ts';
import { parseS3Uri } from '../lib/store/s3-uri.ts';
import type { RunLimits } from './deployed-limits.ts';
import type { BatchDownloaderProps, BucketFolder, PerFunction } from './props.ts';

/**
 * The usual props as context values, for those who deploy a clone without writing a line: `cdk deploy -c roundMinutes=10`.
 * From the command line they are texts, from `cdk.json` also numbers and lists. Which values are good is the props' matter.
 */
export function stackNameFromContext(scope: Construct): string {
  return text(scope, 'stackName') ?? 'Skyhaul';
}

/** Imports the buckets and the key that are named. Throws where a value is not of its kind. */
export function propsFromContext(stack: Stack): BatchDownloaderProps {
  const bucket = text(stack, 'bucket');
  const encryptionKey = text(stack, 'encryptionKeyArn');
  const roundMinutes = number(stack, 'roundMinutes');
  const stateExpirationDays = number(stack, 'stateExpirationDays');
  const runtime = text(stack, 'runtime');
  return {
    bucket: bucket === undefined ? undefined : Bucket.fromBucketName(stack, 'OwnBucket', bucket),
    encryptionKey: encryptionKey === undefined ? undefined : Key.fromKeyArn(stack, 'OwnKey', encryptionKey),
    maxConcurrency: number(stack, 'maxConcurrency'),
    defaults: object(stack, 'defaults'),
    limits: limits(stack),
    reservedConcurrency: number(stack, 'reservedConcurrency'),
    memory: perFunction((name) => number(stack, `${name}MemoryMiB`), Size.mebibytes),
    timeouts: perFunction((name) => number(stack, `${name}TimeoutSeconds`), Duration.seconds),
    roundTime: roundMinutes === undefined ? undefined : Duration.minutes(roundMinutes),
    allowedNetworks: list(stack, 'allowedNetworks'),
    destinations: folders(stack, 'destinations'),
    manifestSources: folders(stack, 'manifestSources'),
    objectTags: choice(stack, 'objectTags', { true: true, false: false }),
    stateExpiration: stateExpirationDays === undefined ? undefined : Duration.days(stateExpirationDays),
    logRetention: logRetention(stack),
    module: text(stack, 'module'),
    runtime: runtime === undefined ? undefined : new Runtime(runtime, RuntimeFamily.NODEJS),
    architecture: choice(stack, 'architecture', { arm64: Architecture.ARM_64, x86_64: Architecture.X86_64 }),
    removalPolicy: choice(stack, 'removalPolicy', { retain: RemovalPolicy.RETAIN, destroy: RemovalPolicy.DESTROY }),
  };
}

function perFunction<T>(read: (name: string) => number | undefined, unit: (value: number) => T): PerFunction<T> {
  const values = (['plan', 'transfer', 'report', 'janitor'] as const).map((name) => [name, read(name)] as const);
  return Object.fromEntries(values.flatMap(([name, value]) => (value === undefined ? [] : [[name, unit(value)]])));
}

function text(scope: Construct, name: string): string | undefined {
  const value: unknown = scope.node.tryGetContext(name);
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw new Error(`context value ${name} must be a text, got ${JSON.stringify(value)}`);
}

function number(scope: Construct, name: string): number | undefined {
  const value: unknown = scope.node.tryGetContext(name);
  if (value === undefined || value === '') return undefined;
  const read = typeof value === 'string' ? Number(value) : value;
  if (typeof read === 'number' && Number.isFinite(read)) return read;
  throw new Error(`context value ${name} must be a number, got ${JSON.stringify(value)}`);
}

/** JSON, or what stands for it in `cdk.json`. */
function object(scope: Construct, name: string): Readonly<Record<string, unknown>> | undefined {
  const value: unknown = scope.node.tryGetContext(name);
  if (value === undefined || value === '') return undefined;
  const read = typeof value === 'string' ? readJson(value) : value;
  if (typeof read === 'object' && read !== null && !Array.isArray(read)) return read as Record<string, unknown>;
  throw new Error(`context value ${name} must be a JSON object`);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function limits(scope: Construct): RunLimits | undefined {
  const given = object(scope, 'limits');
  if (given === undefined) return undefined;
  const checked = checkContract(deployedLimits, given);
  if (!checked.ok) throw new Error(`context value limits: ${checked.problems[0]?.text}`);
  const { maxBytes, maxTotalBytes, ...others } = checked.value;
  return {
    ...others,
    ...(maxBytes !== undefined && { maxBytes: Size.bytes(maxBytes) }),
    ...(maxTotalBytes !== undefined && { maxTotalBytes: Size.bytes(maxTotalBytes) }),
  };
}

/** A list, or a text with commas or spaces in it. */
function list(scope: Construct, name: string): readonly string[] | undefined {
  const value: unknown = scope.node.tryGetContext(name);
  if (value === undefined) return undefined;
  const items: unknown[] =
    typeof value === 'string' ? value.split(/[\s,]+/).filter((item) => item !== '') : [value].flat();
  if (items.every((item) => typeof item === 'string')) return items;
  throw new Error(`context value ${name} must be a list of texts, got ${JSON.stringify(value)}`);
}

function choice<T>(scope: Construct, name: string, choices: Readonly<Record<string, T>>): T | undefined {
  const value = text(scope, name);
  if (value === undefined || Object.hasOwn(choices, value)) return choices[value ?? ''];
  throw new Error(`context value ${name} must be ${Object.keys(choices).join(' or ')}, got '${value}'`);
}

function folders(stack: Stack, name: string): readonly BucketFolder[] | undefined {
  return list(stack, name)?.map((uri, index) => {
    const { bucket, prefix } = readUri(name, uri);
    return { bucket: Bucket.fromBucketName(stack, `${name}${index}`, bucket), prefix };
  });
}

function readUri(name: string, uri: string) {
  try {
    return parseS3Uri(uri);
  } catch (error) {
    throw new Error(`context value ${name} must hold s3://bucket/prefix, got '${uri}'`, { cause: error });
  }
}

function logRetention(scope: Construct): RetentionDays | undefined {
  const days = number(scope, 'logRetentionDays');
  if (days === undefined || days in RetentionDays) return days;
  throw new Error(`context value logRetentionDays must be a number of days that CloudWatch Logs knows, got ${days}`);
}
