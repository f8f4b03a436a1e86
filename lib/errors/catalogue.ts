/**
 * Every error a user can meet, once. The name is the API: it stands in outcomes, logs and metrics, and Step Functions
 * matches it exactly (`ErrorEquals` knows no wildcards). Retries, docs and tests are generated from this table.
 */
export interface CatalogueEntry {
  /** May the same item succeed later without anyone changing anything? */
  readonly retryable: boolean;
  /** Whose matter it is: one item's, the whole run's, or the caller's input. */
  readonly scope: 'item' | 'run' | 'input';
  /** One sentence: when it happens. */
  readonly when: string;
  /** One sentence: what the user should do. */
  readonly cure: string;
}

const item = (when: string, cure: string): CatalogueEntry => ({ retryable: false, scope: 'item', when, cure });
const transient = (when: string, cure: string): CatalogueEntry => ({ retryable: true, scope: 'item', when, cure });
const run = (when: string, cure: string): CatalogueEntry => ({ retryable: false, scope: 'run', when, cure });
const input = (when: string, cure: string): CatalogueEntry => ({ retryable: false, scope: 'input', when, cure });

const KEEPS_FAILING = 'It is retried. If it keeps failing, try the URL by hand from another network.';
const TALK_TO_ORIGIN = 'Ask whoever runs the source; the answer it sends is broken.';

export const catalogue = {
  // The address and the way to it.
  UrlRefused: item(
    'The URL has a scheme, port, host or user info that is not allowed.',
    'Correct the URL in the list.',
  ),
  AddressRefused: item(
    'The host is, or resolves to, an address that is not public.',
    'If you mean that network, name it with `--allow-network` (deployed: `allowedNetworks`).',
  ),
  RobotsDisallowed: item(
    'The robots.txt of the host forbids the URL, or cannot be read (option `robots`).',
    'Ask whoever runs the source, or leave the line out.',
  ),
  HostNotFound: item('The host name does not exist.', 'Correct the host in the URL.'),
  DnsUnavailable: transient('The name server gave no answer.', KEEPS_FAILING),
  ConnectFailed: transient('The host refused the connection or cannot be reached.', KEEPS_FAILING),
  ConnectTimeout: transient('No connection, TLS included, within connectTimeoutMs.', KEEPS_FAILING),
  TlsFailed: item('The certificate or the TLS version of the host is not acceptable.', 'Have the certificate renewed.'),
  ProxyRefused: item(
    'The proxy refuses to connect to the host: other credentials (407), or not this host and port.',
    'Correct `request.proxy`, or ask whoever runs the proxy.',
  ),
  ProxyFailed: transient('The proxy did not open a connection to the host, or gave no proper answer.', KEEPS_FAILING),
  TooManyRedirects: item('More redirects than maxRedirects.', 'Put the final URL into the list.'),
  RedirectRefused: item('A redirect leads to where Skyhaul does not go.', 'Put the final URL into the list.'),

  // The answer.
  HeadersTimeout: transient('No response headers within headersTimeoutMs.', KEEPS_FAILING),
  HeadersTooLarge: item('The response headers are larger than 64 KiB.', TALK_TO_ORIGIN),
  ProtocolError: item('The response breaks HTTP in a way that makes its body uncertain.', TALK_TO_ORIGIN),
  Throttled: transient('The host answered 429 or 503.', 'It is retried when the host said. Lower perHostConnections.'),
  SourceUnavailable: transient('The host answered 408, 500, 502, 504 or 520 to 527.', KEEPS_FAILING),
  AccessDenied: item('The host answered 401, 403, 407 or 451.', 'Renew the signed URL or the credentials.'),
  NotFound: item('The host answered 404 or 410.', 'Correct the URL or remove the line.'),
  SecretRefused: item(
    'A secret that the request refers to is not bound to the origin of the URL, or cannot be read.',
    'Bind it to that origin (`--secret`, deployed: `secrets`), and check its name, field and permissions.',
  ),
  UnexpectedStatus: item('The host answered with a status that carries no file.', 'Open the URL by hand.'),
  RangeNotServed: item(
    'The source does not send the wanted `range`: it has not so many bytes, or serves no ranges.',
    'Correct the range, or fetch the whole.',
  ),
  UnexpectedContent: item('The response is not what `expect` asks for.', 'Open the URL by hand, or change `expect`.'),

  // The body.
  ConnectionLost: transient('The connection ended before the whole body had arrived.', KEEPS_FAILING),
  IdleTimeout: transient('No byte for idleTimeoutMs.', KEEPS_FAILING),
  TooSlow: transient('Fewer bytes than minBytesPerSecond over 60 s.', 'Lower minBytesPerSecond, or try later.'),
  ItemTimeout: item('The item took longer than its timeoutMs.', 'Raise timeoutMs.'),
  TooLarge: item('The body is larger than maxBytes.', 'Raise maxBytes.'),
  SizeMismatch: item('The body has another size than the list declares.', 'Correct the size, or ask the source.'),
  DigestMismatch: item('The body has another digest than declared.', 'Correct the digest, or ask the source.'),
  SourceChanged: transient('The source changed while it was read.', 'It is read again from its first byte.'),
  SourceUnstable: item('The source changed again and again while it was read.', 'Try when it is at rest.'),
  NotResumable: item(
    'The source allows no resume and does not fit into one invocation.',
    'Use `skyhaul run`, which has no deadline.',
  ),
  SourceTooSlow: item(
    'The source is so slow that one part of the object does not fit into an invocation.',
    'Use `skyhaul run`, which has no deadline.',
  ),
  WorkerCrashed: item(
    'The item ended its worker three times.',
    'Raise the memory, or run the item with `skyhaul run`.',
  ),
  LimitReached: item('The run ended at one of its limits.', 'Raise the limit and run the failed list again.'),

  // The way from the body to the object.
  TransformFailed: item(
    'A transform cannot read its input, or threw.',
    'Look at the message; try the file with the same transform by hand.',
  ),

  // The destination.
  KeyRefused: item('The key is not allowed at this destination.', 'Give the line a `key` of its own.'),
  KeyConflict: item('The key belongs to other content of this run.', 'Give each line a `key` of its own.'),
  CommitConflict: item('Somebody else wrote the object meanwhile.', 'See who writes there, then run the line again.'),
  ChecksumRefused: transient('The destination received other bytes than were sent.', 'It is retried.'),
  UploadLost: transient('The destination no longer knows the open upload.', 'It is retried.'),
  StoreThrottled: transient('The destination asks to slow down.', 'It is retried. Lower maxConcurrency.'),
  StoreUnavailable: transient('The destination did not answer, or with a server error.', 'It is retried.'),
  StoreDenied: run(
    'The destination refuses access.',
    'Check bucket policy, role and credentials, or the path of the directory and its permissions.',
  ),
  StoreMissing: run('The destination bucket does not exist.', 'Create it, or correct --to.'),
  StoreFull: run('The destination has no room left.', 'Free some room, then continue the run.'),
  StoreFailed: run('The destination failed in a way Skyhaul does not know.', 'Read the cause, then continue the run.'),

  // The input and the run.
  BatchInvalid: input('The batch input does not fit its schema.', 'Correct the named field.'),
  NotSupported: input('A documented field that this version does not build yet.', 'Remove the field.'),
  ManifestInvalid: input('Lines of the list are not valid.', 'Correct them, or give --skip-invalid.'),
  ManifestUnreadable: input('The list cannot be read.', 'Check the path, the permissions and the format.'),
  ManifestChanged: input('The list changed while it was read.', 'Start again with a list that nobody writes to.'),
  DestinationNotAllowed: input(
    'The destination is not one this deployment may write to.',
    'Name it in `destinations`.',
  ),
  RunInUse: input('Another execution with this run id is alive.', 'Wait for it, stop it, or choose another --run.'),
  RunNotFound: input('There is no run with this id at the destination.', 'Check the run id, and --to or --stack.'),
  RunInputDiffers: input(
    'The run id belongs to a run with other input.',
    'Choose another --run, or leave the input out.',
  ),
  ReportMissing: input('The run has no report yet.', 'Wait until it ends (`skyhaul watch`), or stop it.'),

  // The deployment.
  StackNotFound: input(
    'There is no deployed Skyhaul under this name.',
    'Deploy it, or check --stack, --region and the account of the credentials.',
  ),
  AwsDenied: run('AWS refuses a call, or there are no credentials.', 'Check credentials, region and permissions.'),
  AwsUnavailable: transient(
    'An AWS service gave no answer, or asked to slow down.',
    'It is retried. If it keeps failing, try again later.',
  ),
  Interrupted: { retryable: true, scope: 'run', when: 'The run was stopped.', cure: 'Continue it with its run id.' },
  Unexpected: run('A bug in Skyhaul.', 'Report it with the log.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorName = keyof typeof catalogue;

export function isErrorName(name: string): name is ErrorName {
  return Object.hasOwn(catalogue, name);
}

export const errorNames = Object.keys(catalogue).filter(isErrorName);
