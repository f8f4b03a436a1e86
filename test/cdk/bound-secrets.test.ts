import type { Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { describe, expect, it } from 'vitest';
import type { BoundSecret } from '../../cdk/bound-secrets.ts';
import { readSettings } from '../../functions/settings.ts';
import { isAllowed, rolesOf, statementsOf } from './simulate-policy.ts';
import { type Synthesised, synthesise } from './synth.ts';

const origins = ['https://api.example.com'];
const keyArn = 'arn:aws:kms:eu-central-1:111111111111:key/k';
const arn = (name: string) => `arn:aws:ssm:eu-central-1:111111111111:parameter/${name}`;

function parameter(stack: Stack, parameterName: string, encryptionKey?: Key): BoundSecret {
  const id = parameterName.replaceAll('/', '');
  const found = StringParameter.fromSecureStringParameterAttributes(stack, id, { parameterName, encryptionKey });
  return { name: id, parameter: found, origins };
}

function mayRead(made: Synthesised, role: string, action: string, resource: string, context = {}) {
  return isAllowed(statementsOf(made, rolesOf(made)[role] ?? ''), { action, resource, context });
}

describe('secrets in Parameter Store', () => {
  const made = synthesise((stack) => ({
    secrets: [
      parameter(stack, '/team/own', Key.fromKeyArn(stack, 'Key', keyArn) as Key),
      parameter(stack, 'plain'),
      { name: 'other', secret: new Secret(stack, 'Other'), origins },
    ],
  }));
  const readers = (action: string, resource: string, context = {}) =>
    Object.keys(rolesOf(made)).filter((role) => mayRead(made, role, action, resource, context));

  it('may be read by Transfer alone, and no others beside them', () => {
    expect(readers('ssm:GetParameter', arn('team/own'))).toEqual(['Transfer']);
    expect(readers('ssm:GetParameter', arn('plain'))).toEqual(['Transfer']);
    expect(readers('ssm:GetParameter', arn('team/other'))).toEqual([]);
    expect(readers('ssm:GetParametersByPath', arn('team/own'))).toEqual([]);
  });

  it('are decrypted with their own key through Parameter Store only, each for itself', () => {
    const use = {
      'kms:ViaService': 'ssm.eu-central-1.amazonaws.com',
      'kms:EncryptionContext:PARAMETER_ARN': arn('team/own'),
    };

    expect(readers('kms:Decrypt', keyArn, use)).toEqual(['Transfer']);
    expect(readers('kms:Decrypt', keyArn, { ...use, 'kms:EncryptionContext:PARAMETER_ARN': arn('x') })).toEqual([]);
    expect(readers('kms:Decrypt', keyArn, { ...use, 'kms:ViaService': 's3.eu-central-1.amazonaws.com' })).toEqual([]);
  });

  it('are told to Transfer by an ARN, by which its vault knows where they are', () => {
    expect(readSettings(made.environment('Transfer')).secrets.slice(0, 2)).toEqual([
      { name: 'teamown', id: arn('team/own'), origins },
      { name: 'plain', id: arn('plain'), origins },
    ]);
  });

  it.each(['both', 'neither'])('are refused with %s of secret and parameter', (which) => {
    const props = (stack: Stack) => {
      const { parameter: found } = parameter(stack, 'p');
      const given = which === 'both' ? { secret: new Secret(stack, 'S'), parameter: found } : {};
      return { secrets: [{ name: 'a', origins, ...given } as unknown as BoundSecret] };
    };

    expect(() => synthesise(props)).toThrow(`secrets[0]: one of secret and parameter must be given, got ${which}`);
  });
});
