import type { RepositoryKind } from './commands.ts'
import type { Statements } from './statements.ts'
import type { LinkJobRow, RepositoryRow } from './tables.ts'

export function findRepository(statements: Statements, name: string): RepositoryRow | undefined {
  return statements.get<RepositoryRow>('select id, name, kind from repositories where name = ?', name)
}

/** The repository of that name, made if need be. One that is there keeps its kind. */
export function ensureRepository(statements: Statements, name: string, kind: RepositoryKind = 'hosted'): RepositoryRow {
  statements.run('insert into repositories (name, kind) values (?, ?) on conflict (name) do nothing', name, kind)
  const repository = findRepository(statements, name)
  if (repository === undefined) throw new Error(`Repository '${name}' is not there after it was made`)
  return repository
}

/** Notes that a link file must follow. Only hosted repositories have link files of ours. */
export function noteLink(
  statements: Statements,
  { id, kind }: Pick<RepositoryRow, 'id' | 'kind'>,
  link: Pick<LinkJobRow, 'what' | 'key'>,
): void {
  if (kind !== 'hosted') return
  // Replaced, not kept: the new number tells a drain that read the old one that it must look again.
  statements.run('insert or replace into link_jobs (repository, what, key) values (?, ?, ?)', id, link.what, link.key)
}

/** Notes every link file that the repository should have. */
export function noteAllLinks(statements: Statements, { id, kind }: RepositoryRow): void {
  if (kind !== 'hosted') return
  statements.run(
    `insert or replace into link_jobs (repository, what, key)
     select repository, 'blob', digest from repository_blobs where repository = ?1
     union all select repository, 'manifest', digest from manifests where repository = ?1
     union all select repository, 'tag', name from tags where repository = ?1`,
    id,
  )
}
