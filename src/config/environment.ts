import { OperatorError } from '../base/operator-error.ts'

/**
 * Refuses registry:2's variables that decide who comes in, where data lies or where the server listens: they are not
 * read yet, and whoever set one counts on it. Others (Kubernetes sets `REGISTRY_PORT`, `REGISTRY_SERVICE_HOST`) say
 * nothing of the kind.
 */
export function refuseVariables(environment: Readonly<Record<string, string | undefined>>): void {
  const names = Object.keys(environment).filter((name) => /^REGISTRY_(AUTH|STORAGE|HTTP|PROXY)(_|$)/.test(name))
  if (names.length === 0) return
  throw new OperatorError(
    `Variables are not read yet, and ${names.toSorted().join(', ')} ${names.length === 1 ? 'is' : 'are'} set`,
    'write it in the configuration file, and unset it',
  )
}
