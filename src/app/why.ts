import { OperatorError } from '../base/operator-error.ts'
import { why } from '../ops/why.ts'
import { requestTold, standingTold } from '../ops/why-told.ts'
import type { OperationContext } from './operations.ts'

/** Tells what became of a request, or of the pulls of an image. Throws an `OperatorError` where nothing is known of it. */
export async function tellWhy(
  { parts: { catalog }, tell, settled }: OperationContext,
  { about }: { readonly about: string },
): Promise<number> {
  await settled?.()
  const { requests, standing } = await why(catalog, about)
  if (requests.length === 0 && standing.length === 0) throw nothingOf(about)
  if (requests.length === 0) tell({ note: `nothing is recorded of '${about}'; what fails now is:` })
  for (const request of requests) tell(requestTold(request))
  for (const failure of standing) tell(standingTold(failure, requests))
  return requests.length === 0 ? 1 : 0
}

function nothingOf(about: string): OperatorError {
  return new OperatorError(
    `Nothing is recorded of '${about}'`,
    'the last 1,000 requests that an upstream failed, slowed or made stale are; name one by the id in its error, or an image: docker.io/library/alpine:3',
  )
}
