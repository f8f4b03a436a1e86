import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

export interface AwsVaultOptions {
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
}

const TRANSIENT = /Throttl|TooManyRequests|InternalService|ServiceUnavailable|Timeout|ECONN|ENOTFOUND|EAI_AGAIN/;

/**
 * Reads secrets of AWS with the credentials that the SDK finds: from Parameter Store where the id is an SSM ARN or begins
 * with `/`, else from Secrets Manager. Clients are made when they are first needed. Errors name the secret, never its value.
 */
export function awsVault(options: AwsVaultOptions = {}) {
  let secrets: SecretsManagerClient | undefined;
  let parameters: SSMClient | undefined;
  const settings = {
    ...(options.region !== undefined && { region: options.region }),
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  };
  const ask = async (id: string): Promise<string | undefined> => {
    if (id.startsWith('/') || /^arn:[^:]+:ssm:/.test(id)) {
      parameters ??= new SSMClient(settings);
      const answer = await parameters.send(new GetParameterCommand({ Name: id, WithDecryption: true }));
      return answer.Parameter?.Value;
    }
    secrets ??= new SecretsManagerClient(settings);
    return (await secrets.send(new GetSecretValueCommand({ SecretId: id }))).SecretString;
  };
  return {
    async read(id: string): Promise<string> {
      const text = await ask(id).catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.name : 'no answer';
        const name = TRANSIENT.test(why) ? 'AwsUnavailable' : 'SecretRefused';
        throw new SkyhaulError(name, `the secret ${JSON.stringify(id)} cannot be read: ${why}`, { cause });
      });
      if (text === undefined) throw new SkyhaulError('SecretRefused', `the secret ${JSON.stringify(id)} is no text`);
      return text;
    },
    close(): void {
      secrets?.destroy();
      parameters?.destroy();
    },
  };
}
