import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { regionOf, type S3Address } from './stores.ts';

/**
 * The clients of the services that make up a deployment, each made when it is first asked for. Credentials and region are
 * found as the SDK finds them. Only commands about a deployment load this file: `skyhaul run` starts without it.
 */
const MINUTE_MS = 60_000;

export class AwsClients {
  readonly #address: S3Address;
  #stepFunctions: SFNClient | undefined;
  #cloudFormation: CloudFormationClient | undefined;
  #lambda: LambdaClient | undefined;

  constructor(address: S3Address) {
    this.#address = address;
  }

  async stepFunctions(): Promise<SFNClient> {
    this.#stepFunctions ??= await withRegion(new SFNClient(this.#settings(MINUTE_MS)));
    return this.#stepFunctions;
  }

  async cloudFormation(): Promise<CloudFormationClient> {
    this.#cloudFormation ??= await withRegion(new CloudFormationClient(this.#settings(MINUTE_MS)));
    return this.#cloudFormation;
  }

  /** It answers when the function does, which may take as long as a function lives. */
  async lambda(): Promise<LambdaClient> {
    this.#lambda ??= await withRegion(new LambdaClient(this.#settings(16 * MINUTE_MS)));
    return this.#lambda;
  }

  close(): void {
    this.#stepFunctions?.destroy();
    this.#cloudFormation?.destroy();
    this.#lambda?.destroy();
  }

  #settings(requestTimeout: number) {
    const { endpoint } = this.#address;
    const region = regionOf(this.#address);
    return {
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint }),
      requestHandler: { connectionTimeout: 10_000, requestTimeout, throwOnRequestTimeout: true },
    };
  }
}

/** The SDK says it with the first request, as an Error without a name of its own. */
async function withRegion<T extends { readonly config: { region(): Promise<string> } }>(client: T): Promise<T> {
  try {
    await client.config.region();
    return client;
  } catch (cause) {
    const message = 'it is not said in which AWS region: give --region, or set AWS_REGION';
    throw new SkyhaulError('StackNotFound', message, { cause });
  }
}
