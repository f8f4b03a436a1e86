import { Stack } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import type { Permission } from './permit.ts';

/** A secret that requests may refer to, and where it may go. */
export type BoundSecret = SecretOrigins & (InSecretsManager | InParameterStore);

interface SecretOrigins {
  /** As batches name it: `{ "secret": "<name>#<field>" }`. */
  readonly name: string;
  /** `https://api.example.com`, with the port where it is not the usual one. It goes nowhere else. */
  readonly origins: readonly string[];
}

interface InSecretsManager {
  readonly secret: ISecret;
  readonly parameter?: undefined;
}

interface InParameterStore {
  /** A SecureString of a key of your own brings that `encryptionKey` along. */
  readonly parameter: IParameter;
  readonly secret?: undefined;
}

/** Transfer alone reads them, and none but these. */
export function secretPermissions(secrets: readonly BoundSecret[]): readonly Permission[] {
  return secrets.flatMap(({ secret, parameter }) => (secret ? ofSecret(secret) : ofParameter(parameter)));
}

function ofSecret(secret: ISecret): readonly Permission[] {
  const { encryptionKey, env } = secret;
  return [
    { actions: ['secretsmanager:GetSecretValue'], resources: [arnOf(secret)] },
    ...(encryptionKey ? [decrypt(encryptionKey, `secretsmanager.${env.region}.amazonaws.com`)] : []),
  ];
}

/** AWS's own key for parameters lets everybody of the account use it through Parameter Store. */
function ofParameter(parameter: IParameter): readonly Permission[] {
  const { parameterArn, env } = parameter;
  const key = 'encryptionKey' in parameter ? (parameter.encryptionKey as IKey | undefined) : undefined;
  const context = { 'kms:EncryptionContext:PARAMETER_ARN': parameterArn };
  return [
    { actions: ['ssm:GetParameter'], resources: [parameterArn] },
    ...(key ? [decrypt(key, `ssm.${env.region}.amazonaws.com`, context)] : []),
  ];
}

function decrypt(key: IKey, through: string, context: Readonly<Record<string, string>> = {}): Permission {
  const conditions = { StringEquals: { 'kms:ViaService': through, ...context } };
  return { actions: ['kms:Decrypt'], resources: [key.keyArn], conditions };
}

/** What `functions/settings.ts` reads; no value of a secret. */
export function secretSettings(scope: Construct, secrets: readonly BoundSecret[]): string {
  const bindings = secrets.map(({ name, secret, parameter, origins }) => {
    // An ARN tells the vault that it is in.
    const id = secret ? (secret.secretFullArn ?? secret.secretArn) : parameter.parameterArn;
    return { name, id, origins };
  });
  return Stack.of(scope).toJsonString(bindings);
}

export function checkSecrets(secrets: readonly BoundSecret[]): void {
  for (const [index, { name, secret, parameter, origins }] of secrets.entries()) {
    if (!/^[\w/+=.@:-]+$/.test(name))
      throw new Error(`secrets[${index}]: name must be of A-Z a-z 0-9 _/+=.@:-, got '${name}'`);
    if (secrets.findIndex((other) => other.name === name) !== index) {
      throw new Error(`secrets[${index}]: name must be another than that of a secret before it, got '${name}'`);
    }
    if ((secret === undefined) === (parameter === undefined)) {
      throw new Error(
        `secrets[${index}]: one of secret and parameter must be given, got ${secret ? 'both' : 'neither'}`,
      );
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
