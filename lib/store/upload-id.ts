/**
 * Ids of S3 uploads. A write knows its own object again by a token in the metadata; the token must be known wherever the
 * upload is completed, so it travels in the id, behind a sign that S3 does not use. Ids from a listing have no token: S3
 * does not list metadata.
 */

export function joinUploadId(uploadId: string, token: string): string {
  return `${uploadId}#${token}`;
}

export function splitUploadId(id: string): { readonly uploadId: string; readonly token: string | undefined } {
  const [uploadId = '', token] = id.split('#');
  return { uploadId, token };
}

/** The id under which a listing shows an upload, of any store. */
export function listedId(id: string): string {
  return splitUploadId(id).uploadId;
}
