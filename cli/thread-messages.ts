import type { TransferAnswer, TransferEvent } from '../lib/contract/machine.ts';
import type { SecretBinding } from '../lib/contract/secret.ts';
import type { ErrorDetails } from '../lib/errors/skyhaul-error.ts';
import type { RunEvent } from '../lib/run-context.ts';
import type { S3Address } from './stores.ts';

/** What passes between the process and the threads of its transfers. All of it can be cloned. */
export interface ThreadJob extends S3Address {
  /** s3:// or an absolute path. */
  readonly to: string;
  readonly allowNetworks: readonly string[];
  readonly secrets: readonly SecretBinding[];
  /** Path of the user's own module. */
  readonly module: string | undefined;
  readonly cwd: string;
  readonly execution: string;
  readonly host: string;
  readonly pid: number;
}

/** What each invocation has for itself. */
export interface Invocation {
  readonly attempt: string;
  readonly memoryBytes: number;
}

export type ToThread =
  | ({ readonly kind: 'transfer'; readonly id: number; readonly event: TransferEvent } & Invocation)
  /** What is under way stops cleanly. */
  | { readonly kind: 'stop' }
  /** Nothing more comes. */
  | { readonly kind: 'end' };

export type FromThread =
  | { readonly kind: 'events'; readonly events: readonly RunEvent[] }
  | { readonly kind: 'answered'; readonly id: number; readonly answer: TransferAnswer }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly error: { readonly name: string; readonly message: string; readonly details: ErrorDetails };
    };
