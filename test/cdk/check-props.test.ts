import { App, Duration, Lazy, RemovalPolicy, Size, Stack, Token } from 'aws-cdk-lib';
import { Runtime, RuntimeFamily } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, it } from 'vitest';
import { checkProps } from '../../cdk/check-props.ts';
import type { BatchDownloaderProps } from '../../cdk/props.ts';
import { bucketNamed, synthesise } from './synth.ts';

describe('what is wrong with a prop is said at synth time', () => {
  const stack = new Stack(new App(), 'Props');
  const own = Bucket.fromBucketName(stack, 'MyOwn', 'my-own');

  it.each<[BatchDownloaderProps, string]>([
    [{ maxConcurrency: 0 }, 'maxConcurrency must be a whole number from 1 to 10000, got 0'],
    [{ maxConcurrency: 10_001 }, 'maxConcurrency must be a whole number from 1 to 10000, got 10001'],
    [{ maxConcurrency: 1.5 }, 'maxConcurrency must be a whole number from 1 to 10000, got 1.5'],
    [{ reservedConcurrency: 0 }, 'reservedConcurrency must be a whole number from 1 to 10000, got 0'],
    [{ retries: { throttled: -1 } }, 'retries.throttled must be a whole number from 0 to 1000, got -1'],
    [
      { memory: { transfer: Size.mebibytes(128) } },
      'memory.transfer must be a whole number of MiB from 256 to 10240, got 128',
    ],
    [
      { memory: { plan: Size.gibibytes(11) } },
      'memory.plan must be a whole number of MiB from 256 to 10240, got 11264',
    ],
    [
      { timeouts: { transfer: Duration.seconds(30) } },
      'timeouts.transfer must be a whole number of seconds from 40 to 900, got 30',
    ],
    [
      { timeouts: { report: Duration.minutes(16) } },
      'timeouts.report must be a whole number of seconds from 40 to 900, got 960',
    ],
    [{ roundTime: Duration.seconds(90) }, 'roundTime must be a whole number of minutes from 1 to 1440, got 1.5'],
    [{ stateExpiration: Duration.days(3) }, 'stateExpiration must be a whole number of days from 7 to 36500, got 3'],
    [{ allowedNetworks: ['10.0.0.1'] }, 'allowedNetworks: "10.0.0.1" is not a CIDR such as 10.0.0.0/8'],
    [{ allowedNetworks: ['10.0.0.1/8'] }, 'allowedNetworks: "10.0.0.1/8" has bits set behind its prefix'],
    [{ runtime: Runtime.NODEJS_20_X }, 'runtime must be nodejs22.x or later, got nodejs20.x'],
    [{ runtime: Runtime.PYTHON_3_13 }, 'runtime must be nodejs22.x or later, got python3.13'],
    [
      { bucket: own, stateExpiration: Duration.days(9) },
      'stateExpiration cannot be set together with bucket: your own bucket keeps its settings',
    ],
    [
      { bucket: own, removalPolicy: RemovalPolicy.DESTROY },
      'removalPolicy cannot be set together with bucket: your own bucket keeps its settings',
    ],
  ])('%j', (props, message) => {
    expect(() => checkProps(props)).toThrow(new Error(message));
  });

  it.each(['/in', 'in//2026', 'in/../x', 'in/*', 'in/$' + '{x}', 'in,out', 'a b', 'in?', '.'])(
    'the prefix %s',
    (prefix) => {
      const message = `destinations[0]: prefix must be folder names of letters, digits and !'().=+@_- with slashes between them, got '${prefix}'`;

      expect(() => checkProps({ destinations: [{ bucket: own, prefix }] })).toThrow(new Error(message));
    },
  );

  it.each([undefined, '', 'runs', 'runs/x/'])('a destination that is or holds the state of runs (%s)', (prefix) => {
    const message = /^destinations\[0\]: prefix must keep away from the state of runs in runs\/, got '/;

    expect(() =>
      synthesise((scope) => {
        const bucket = bucketNamed(scope, 'mine');
        const again = Bucket.fromBucketName(scope, 'Again', 'mine');
        return { bucket, destinations: [{ bucket: again, prefix }] };
      }),
    ).toThrow(message);
  });

  it('but not a prefix that only begins alike, nor another bucket', () => {
    const made = synthesise((scope) => ({
      bucket: bucketNamed(scope, 'mine'),
      destinations: [
        { bucket: Bucket.fromBucketName(scope, 'Again', 'mine'), prefix: 'runs2' },
        { bucket: bucketNamed(scope, 'other'), prefix: 'runs' },
      ],
    }));

    expect(made.environment().SKYHAUL_DESTINATIONS).toBe('s3://mine/data,s3://mine/runs2,s3://other/runs');
  });

  it('and what is known only when it is deployed passes', () => {
    const later = Token.asNumber(Lazy.number({ produce: () => 12 }));
    const text = Lazy.string({ produce: () => 'later' });

    expect(() =>
      checkProps({
        maxConcurrency: later,
        reservedConcurrency: later,
        retries: { throttled: later },
        memory: { transfer: Size.mebibytes(later) },
        timeouts: { transfer: Duration.seconds(later) },
        roundTime: Duration.minutes(later),
        allowedNetworks: [text],
        destinations: [{ bucket: own, prefix: text }],
        runtime: new Runtime(text, RuntimeFamily.NODEJS),
      }),
    ).not.toThrow();
  });
});
