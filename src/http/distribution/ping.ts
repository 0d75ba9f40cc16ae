import type { Handler } from '../route.ts'

/** `GET /v2/`: docker, podman and crane take how to sign in from here for all that follows. */
export const ping: Handler = () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: '{}' })

/** `GET /`: load balancers look whether we live, as with registry:2. */
export const alive: Handler = () => ({ status: 200, headers: { 'cache-control': 'no-cache' } })
