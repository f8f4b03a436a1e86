/**
 * Where and how the SDK would ask for objects of a bucket: its own endpoint rules, configuration and signer tell, by a
 * request that is made ready and not sent. Whatever is unusual (S3 Express, Outposts, ARNs, other signatures) is `undefined`.
 */
import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';

export interface Target {
  /** With scheme and port. */
  readonly origin: string;
  readonly isTls: boolean;
  readonly host: string;
  /** Stands before every key; ends in a slash. */
  readonly path: string;
  readonly region: string;
  readonly userAgent: string;
}

const PROBE = 'skyhaul-probe';
const SCOPE = /^AWS4-HMAC-SHA256 Credential=[^ ]+\/\d{8}\/([^/]+)\/s3\/aws4_request, SignedHeaders=/;

/** Throws what the SDK does, where it finds no credentials or region. */
export async function findTarget(client: S3Client, bucket: string): Promise<Target | undefined> {
  if (bucket.includes(':') || bucket.endsWith('--x-s3')) return undefined;
  let request: unknown;
  const command = new HeadObjectCommand({ Bucket: bucket, Key: PROBE });
  command.middlewareStack.add(
    () => async (args) => {
      request = args.request;
      return { response: {}, output: { $metadata: {} } };
    },
    { step: 'finalizeRequest', priority: 'low', name: 'keepRequest' },
  );
  await client.send(command);
  return isRequest(request) ? targetOf(request) : undefined;
}

interface Signed {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query?: object | undefined;
}

function targetOf({ protocol, hostname, port, path, headers, query }: Signed): Target | undefined {
  const region = SCOPE.exec(headers.authorization ?? '')?.[1];
  const { host, 'user-agent': userAgent = '' } = headers;
  const isTls = protocol === 'https:';
  const isUsual = Object.keys(query ?? {}).length === 0 && path.endsWith(`/${PROBE}`);
  if (region === undefined || host === undefined || !isUsual || !(isTls || protocol === 'http:')) return undefined;
  const origin = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`;
  return { origin, isTls, host, path: path.slice(0, -PROBE.length), region, userAgent };
}

function isRequest(request: unknown): request is Signed {
  return typeof request === 'object' && request !== null && 'hostname' in request && 'headers' in request;
}
