/**
 * The first schema. What each column means is in `tables.ts`.
 *
 * Large values (bytes, annotations) lie in tables with a rowid; narrow ones without, so that a look-up is one search.
 */
export const INIT = `
create table repositories (
  id integer primary key,
  name text not null unique,
  kind text not null check (kind in ('hosted', 'cached'))
) strict;

create table blobs (
  digest text primary key,
  size integer not null,
  leaving integer not null default 0 check (leaving in (0, 1))
) strict, without rowid;

create index blobs_leaving on blobs (digest) where leaving = 1;

create table repository_blobs (
  repository integer not null references repositories (id),
  digest text not null references blobs (digest),
  primary key (repository, digest)
) strict, without rowid;

create index repository_blobs_digest on repository_blobs (digest);

create table manifest_contents (
  digest text primary key,
  bytes blob not null
) strict;

create table manifests (
  repository integer not null references repositories (id),
  digest text not null references manifest_contents (digest),
  media_type text not null,
  size integer not null,
  artifact_type text,
  annotations text,
  subject text,
  pinned integer not null default 0 check (pinned in (0, 1)),
  pushed_at integer not null,
  primary key (repository, digest)
) strict;

create index manifests_digest on manifests (digest);
create index manifests_subject on manifests (repository, subject, digest) where subject is not null;

create table manifest_references (
  repository integer not null,
  manifest text not null,
  digest text not null,
  kind text not null check (kind in ('config', 'layer', 'child')),
  primary key (repository, manifest, digest, kind),
  foreign key (repository, manifest) references manifests (repository, digest)
) strict, without rowid;

create index manifest_references_digest on manifest_references (digest);

create table tags (
  repository integer not null,
  name text not null,
  digest text not null,
  moved_at integer not null,
  primary key (repository, name),
  foreign key (repository, digest) references manifests (repository, digest)
) strict, without rowid;

create index tags_digest on tags (repository, digest);

create table uploads (
  id text primary key,
  repository text not null,
  account text not null,
  algorithm text not null,
  started_at integer not null
) strict, without rowid;

create table link_jobs (
  seq integer primary key autoincrement,
  repository integer not null references repositories (id),
  what text not null check (what in ('blob', 'manifest', 'tag')),
  key text not null,
  unique (repository, what, key)
) strict;

create table adopted (
  repository integer primary key references repositories (id)
) strict;

create table meta (
  name text primary key,
  value text not null
) strict, without rowid;
`
