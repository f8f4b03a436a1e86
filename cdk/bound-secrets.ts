import { Stack } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { Permission } from './permit.ts';

/** A secret that requests may refer to, and where it may go. */
export interface BoundSecret {
  /** As batches name it: `{ "secret": "<name>#<field>" }`. */
  readonly name: string;
  readonly secret: ISecret;
  /** `https://api.example.com`, with the port where it is not the usual one. It goes nowhere else. */
  readonly origins: readonly string[];
}

/** Transfer alone reads them, and none but these. */
export function secretPermissions(secrets: readonly BoundSecret[]): readonly Permission[] {
  return secrets.flatMap(({ secret }): Permission[] => [
    { actions: ['secretsmanager:GetSecretValue'], resources: [arnOf(secret)] },
    ...(secret.encryptionKey
      ? [
          {
            actions: ['kms:Decrypt'],
            resources: [secret.encryptionKey.keyArn],
            conditions: { StringEquals: { 'kms:ViaService': `secretsmanager.${secret.env.region}.amazonaws.com` } },
          },
        ]
      : []),
  ]);
}

/** What `functions/settings.ts` reads; no value of a secret. */
export function secretSettings(scope: Construct, secrets: readonly BoundSecret[]): string {
  return Stack.of(scope).toJsonString(
    secrets.map(({ name, secret, origins }) => ({ name, id: secret.secretFullArn ?? secret.secretArn, origins })),
  );
}

export function checkSecrets(secrets: readonly BoundSecret[]): void {
  for (const [index, { name, origins }] of secrets.entries()) {
    if (!/^[\w/+=.@:-]+$/.test(name))
      throw new Error(`secrets[${index}]: name must be of A-Z a-z 0-9 _/+=.@:-, got '${name}'`);
    if (secrets.findIndex((other) => other.name === name) !== index) {
      throw new Error(`secrets[${index}]: name must be another than that of a secret before it, got '${name}'`);
    }
    if (origins.length === 0) throw new Error(`secrets[${index}]: origins must name at least one, got none`);
    for (const origin of origins) {
      if (URL.parse(origin)?.origin === origin && /^https?:/.test(origin)) continue;
      throw new Error(`secrets[${index}]: origins must be such as https://api.example.com, got '${origin}'`);
    }
  }
}

/** Of a secret that is known by its name only, the six characters that Secrets Manager puts behind it. */
function arnOf({ secretFullArn, secretArn }: ISecret): string {
  return secretFullArn ?? `${secretArn}-??????`;
}
