/** An error as S3 answers it. */
export class S3Problem extends Error {
  override readonly name = 'S3Problem';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function noSuchKey(): S3Problem {
  return new S3Problem(404, 'NoSuchKey', 'The specified key does not exist.');
}

export function noSuchUpload(): S3Problem {
  return new S3Problem(404, 'NoSuchUpload', 'The specified multipart upload does not exist.');
}

export function invalidRequest(what: string): S3Problem {
  return new S3Problem(400, 'InvalidRequest', what);
}

export function badDigest(): S3Problem {
  return new S3Problem(400, 'BadDigest', 'The checksum you specified did not match the calculated checksum.');
}
