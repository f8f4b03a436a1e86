import { z } from 'zod';
import { MAX_HEADER_BYTES, MAX_HEADERS, MAX_REQUEST_BODY_CHARACTERS } from './limits.ts';
import { proxy } from './proxy.ts';
import { type Opened, type SecretReference, secretReference } from './secret.ts';

/** Headers that Skyhaul sets itself, because a wrong value would change what the bytes mean or where they come from. */
export const RESERVED_HEADERS: readonly string[] = [
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'accept-encoding',
  'expect',
];

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Or where it is kept. */
const orSecret = <T extends z.ZodType<string>>(value: T) => z.union([value, secretReference]);
const lengthOf = (value: string | SecretReference) => (typeof value === 'string' ? value.length : 0);

/** Request headers: token names (RFC 9110 5.6.2), values without CR, LF, NUL (RFC 9110 5.5). */
const headers = z
  .record(
    z.string().regex(TOKEN, 'a header name'),
    orSecret(z.string().regex(FIELD_VALUE, 'a value without control characters')),
  )
  .superRefine((value, context) => {
    const names = Object.keys(value);
    if (names.length > MAX_HEADERS) {
      context.addIssue({ code: 'custom', message: `at most ${MAX_HEADERS} headers, found ${names.length}` });
    }
    const bytes = Object.entries(value).reduce((sum, [name, text]) => sum + name.length + lengthOf(text) + 4, 0);
    if (bytes > MAX_HEADER_BYTES) {
      context.addIssue({ code: 'custom', message: `at most ${MAX_HEADER_BYTES} bytes of headers, found ${bytes}` });
    }
    for (const name of names) {
      const lower = name.toLowerCase();
      if (RESERVED_HEADERS.includes(lower) || lower.startsWith('proxy-')) {
        context.addIssue({ code: 'custom', path: [name], message: 'Skyhaul sets this header itself' });
      }
    }
  });

/** What is sent along: a text, bytes, or a value that goes as JSON. */
const body = z.union([
  z.string().max(MAX_REQUEST_BODY_CHARACTERS),
  z.strictObject({ base64: z.base64().max(MAX_REQUEST_BODY_CHARACTERS) }),
  z.strictObject({ json: z.json() }),
]);

const secret = z.string().min(1).max(8_192).regex(FIELD_VALUE, 'a value without control characters');

/** Who asks. Sent to the origin of the item's URL only, never along with a redirect to another one. */
const auth = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('basic'),
    // RFC 7617 2: the first colon ends the name.
    username: z
      .string()
      .max(1_024)
      .regex(/^[^:\p{Cc}]*$/u, 'a name without colon and control characters'),
    password: orSecret(
      z
        .string()
        .max(1_024)
        .regex(/^\P{Cc}*$/u, 'a text without control characters'),
    ),
  }),
  z.strictObject({
    type: z.literal('bearer'),
    token: orSecret(z.string().regex(/^[A-Za-z0-9\-._~+/]+=*$/, 'a token (RFC 6750)')),
  }),
  z.strictObject({
    type: z.literal('sigv4'),
    service: z.string().regex(/^[a-z0-9-]{1,64}$/, 'the signing name of a service, such as `s3`'),
    region: z.string().regex(/^[a-z0-9-]{1,32}$/, 'the name of a Region'),
    credentials: z
      .strictObject({
        accessKeyId: orSecret(secret),
        secretAccessKey: orSecret(secret),
        sessionToken: orSecret(secret).optional(),
      })
      .describe('Keys of an identity that may do no more than this.'),
  }),
]);

/** RFC 6265 4.1.1. */
const COOKIE_VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

const cookies = z.union([
  z.boolean(),
  z.record(z.string().regex(TOKEN, 'the name of a cookie'), z.string().regex(COOKIE_VALUE, 'the value of a cookie')),
]);

/** It stands in a comment of the User-Agent (RFC 9110 10.1.5): no parentheses, quotes or blanks. */
const contact = z
  .string()
  .max(128)
  .regex(/^(https?:\/\/|[^@]+@)[\x21\x23-\x27\x2a-\x5b\x5d-\x7e]+$/, 'an e-mail address or a URL')
  .regex(/^[\x21\x23-\x27\x2a-\x5b\x5d-\x7e]+$/, 'an address without blanks, quotes and parentheses');

const pem = z
  .string()
  .max(256 * 1_024)
  .regex(/-----BEGIN [A-Z ]+-----/, 'PEM');

/** How the source is asked. */
export const request = z.strictObject({
  method: z.enum(['GET', 'POST']).optional().describe('Default: POST with a body, else GET.'),
  headers: headers.optional(),
  query: z
    .record(z.string().min(1), orSecret(z.string()))
    .optional()
    .describe('Put into the query of the URL, in the place of parameters of the same name.'),
  body: body.optional().describe('A text, `{ base64 }` or `{ json }`.'),
  auth: auth.optional().describe('`basic`, `bearer` or `sigv4`.'),
  cookies: cookies.optional().describe('true: kept from answer to answer of a lane. An object: sent along.'),
  proxy: proxy
    .optional()
    .describe(
      'HTTP(S) proxy: its URL, or `{ url, username, password, targets }`. false: none, whatever the batch says.',
    ),
  userAgent: z.string().min(1).max(256).regex(FIELD_VALUE, 'a value without control characters').optional(),
  contact: contact.optional().describe('E-mail address or URL of yours: stands in the User-Agent.'),
  http: z.enum(['1.1', '2']).optional().describe('Version of HTTP; `backend` says which client speaks it.'),
  ca: pem.optional().describe('Certificates (PEM) trusted instead of the usual ones.'),
  clientCertificate: z
    .strictObject({ cert: orSecret(pem), key: orSecret(pem) })
    .optional()
    .describe('Certificate chain and private key (PEM), for the origin of the URL.'),
  minTlsVersion: z.enum(['1.2', '1.3']).optional().describe('Default: 1.2.'),
});

export type RequestOptions = z.infer<typeof request>;
export type RequestBody = z.infer<typeof body>;
/** With its secrets in the place of their references. */
export type OpenRequest = Opened<Omit<RequestOptions, 'body'>> & Pick<RequestOptions, 'body'>;
export type OpenAuth = Opened<NonNullable<RequestOptions['auth']>>;
