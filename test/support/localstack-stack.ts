import { inject } from 'vitest';

/** The stack that the lane `deployed` has put on the LocalStack of the test run. */
export interface DeployedStack {
  readonly endpoint: string;
  readonly stateMachineArn: string;
  readonly bucket: string;
  /** Name of the janitor function. */
  readonly janitorFunction: string;
  /** The name under which functions reach a server of the test. */
  readonly hostOfOrigins: string;
  /** For child processes and SDK clients: region, credentials of no account, the endpoint. */
  readonly env: Readonly<Record<string, string>>;
}

declare module 'vitest' {
  interface ProvidedContext {
    deployedStack: DeployedStack;
  }
}

export function deployedStack(): DeployedStack {
  return inject('deployedStack');
}
