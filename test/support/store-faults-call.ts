/** A request to S3 as rules, logs and the test servers name it. Buckets stand in the path. Nothing is decoded twice. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** What S3 calls the request; what is none of these is `other`. */
export type Operation =
  | 'put'
  | 'get'
  | 'head'
  | 'delete'
  | 'create'
  | 'part'
  | 'list-parts'
  | 'complete'
  | 'abort'
  | 'list'
  | 'list-uploads'
  | 'create-bucket'
  | 'head-bucket'
  | 'other';

export interface Call {
  readonly operation: Operation;
  readonly bucket: string;
  /** Empty for calls about a bucket. */
  readonly key: string;
  /** Number of the part that is uploaded. */
  readonly part: number | undefined;
  readonly query: URLSearchParams;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export function readCall({ method = '', url = '' }: IncomingMessage): Call {
  // Not through `new URL`, which would resolve the dots of a key.
  const [, path = '', search = ''] = /^\/?([^?]*)\??(.*)$/s.exec(url) ?? [];
  const slash = path.indexOf('/');
  const bucket = slash === -1 ? path : path.slice(0, slash);
  const key = slash === -1 ? '' : decodeURIComponent(path.slice(slash + 1));
  const query = new URLSearchParams(search);
  const operation = (key === '' ? nameOnBucket(method, query) : nameOnObject(method, query)) ?? 'other';
  const part = operation === 'part' ? Number(query.get('partNumber')) : undefined;
  return { operation, bucket, key, part, query };
}

/** Ends the connection instead of an answer. */
export function resetAnswer(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

export function sendAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  const { 'transfer-encoding': _, ...rest } = headers;
  // Of a HEAD, the length is that of a body that is not there.
  const length = rest['content-length'] !== undefined && body.length === 0 ? rest['content-length'] : body.length;
  response.writeHead(status, status === 204 ? rest : { ...rest, 'content-length': length });
  response.end(body);
}

export function errorAnswer(status: number, code: string, message = 'm'): Answer {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(code === '' ? '' : xml) };
}

function nameOnObject(method: string, query: URLSearchParams): Operation | undefined {
  if (query.has('uploads')) return method === 'POST' ? 'create' : undefined;
  if (query.has('uploadId')) {
    const onUpload: Record<string, Operation> = { POST: 'complete', DELETE: 'abort', GET: 'list-parts', PUT: 'part' };
    return onUpload[method];
  }
  const onObject: Record<string, Operation> = { PUT: 'put', HEAD: 'head', GET: 'get', DELETE: 'delete' };
  return onObject[method];
}

function nameOnBucket(method: string, query: URLSearchParams): Operation | undefined {
  if (method === 'PUT') return 'create-bucket';
  if (method === 'HEAD') return 'head-bucket';
  if (method !== 'GET') return undefined;
  if (query.has('uploads')) return 'list-uploads';
  return query.has('list-type') ? 'list' : undefined;
}
