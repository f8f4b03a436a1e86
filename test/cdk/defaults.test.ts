import { Lazy, Size, Token } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import { checkProps } from '../../cdk/check-props.ts';
import type { BatchDownloaderProps } from '../../cdk/props.ts';
import { readSettings } from '../../functions/settings.ts';
import { synthesise } from './synth.ts';

const literal = { request: { headers: { 'x-api-key': 'abc' } } };

describe('defaults and limits of a deployment', () => {
  it('reach Plan, and Plan alone, as it reads them', () => {
    const made = synthesise((stack) => ({
      defaults: {
        attempts: 3,
        transform: ['gunzip'],
        kmsKeyId: new Key(stack, 'ObjectKey').keyArn,
        request: { auth: { type: 'bearer', token: { secret: 'api#token' } } },
      },
      limits: { perHostConnections: 2, maxBytes: Size.gibibytes(1), maxTotalBytes: Size.gibibytes(9), maxHours: 1.5 },
      secrets: [{ name: 'api', secret: new Secret(stack, 'Api'), origins: ['https://a.test'] }],
    }));

    const { defaults, limits } = readSettings(made.environment('Plan'));
    expect(defaults).toEqual({
      attempts: 3,
      transform: ['gunzip'],
      kmsKeyId: expect.stringMatching(/^arn:aws:kms:eu-central-1:111111111111:key\/ObjectKey/),
      request: { auth: { type: 'bearer', token: { secret: 'api#token' } } },
    });
    expect(limits).toEqual({
      perHostConnections: 2,
      maxBytes: 1_073_741_824,
      maxTotalBytes: 9_663_676_416,
      maxHours: 1.5,
    });
    for (const name of ['Transfer', 'Report', 'Janitor'] as const) {
      expect(made.environment(name)).not.toHaveProperty('SKYHAUL_DEFAULTS');
      expect(made.environment(name)).not.toHaveProperty('SKYHAUL_LIMITS');
    }
  });

  it('are no setting at all where they say nothing', () => {
    expect(synthesise(() => ({ defaults: {}, limits: {} })).environment('Plan')).toEqual(
      synthesise().environment('Plan'),
    );
  });

  it.each<[BatchDownloaderProps, string]>([
    [{ defaults: { attempts: 0 } }, 'defaults: `attempts`: at least 1, found 0'],
    [{ defaults: { atempts: 1 } as object }, 'defaults: unknown field `atempts`; did you mean `attempts`?'],
    [
      { defaults: literal },
      'defaults: `request.headers.x-api-key` would stand in the template for many to read: ' +
        'keep it in a vault, give it in `secrets`, and write `{ "secret": "name#field" }` here',
    ],
    [
      { defaults: { request: { auth: { type: 'bearer', token: { secret: 'api#token' } } } } },
      "defaults: secrets must hold every secret that is referred to, got 'api'",
    ],
    [
      { defaults: { perHostConnections: 5 }, limits: { perHostConnections: 4 } },
      'defaults: perHostConnections must not be more than limits.perHostConnections',
    ],
    [
      { defaults: { maxConcurrency: 11 }, maxConcurrency: 10 },
      'defaults: maxConcurrency must be a whole number from 1 to 10, got 11',
    ],
    [{ limits: { perHostConnections: 0 } }, 'limits.perHostConnections must be a whole number from 1 to 1000, got 0'],
    [
      { limits: { maxBytes: Size.bytes(0) } },
      'limits.maxBytes must be a whole number of bytes from 1 to 53687091200000, got 0',
    ],
    [{ limits: { maxHours: 0 } }, 'limits.maxHours must be a number above 0, at most 8760, got 0'],
  ])('are refused when they cannot be right: %j', (props, message) => {
    expect(() => checkProps(props)).toThrow(new Error(message));
  });

  it('take a value that is known later, and refuse a credential even then', () => {
    const later = Lazy.string({ produce: () => 'later' });
    const number = Token.asNumber(Lazy.number({ produce: () => 12 }));
    const request = { headers: { 'x-team': later } };

    expect(() =>
      checkProps({ defaults: { kmsKeyId: later, attempts: number, request }, limits: { perHostConnections: number } }),
    ).not.toThrow();
    expect(() => checkProps({ defaults: { request: { auth: { type: 'bearer', token: later } } } })).toThrow(
      'defaults: `request.auth.token` would stand in the template',
    );
  });

  it('are refused when Lambda would not take them, with what is too large', () => {
    const ca = `-----BEGIN CERTIFICATE-----\n${'A'.repeat(4_096)}`;

    expect(() => synthesise(() => ({ defaults: { request: { ca } } }))).toThrow(
      /^settings of Plan must fit into 4096 bytes, got \d+; SKYHAUL_DEFAULTS alone takes \d+$/,
    );
  });
});
