import type { Reply } from './route.ts'

/** Closes what an answer would have been read from, where it is not sent. */
export async function closeBody({ body }: Pick<Reply, 'body'>): Promise<void> {
  if (body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array)) await body.reader.close()
}
