/** What went wrong with upstreams. What each column means is in `tables.ts`. */
export const FAILURES = `
create table failures (
  upstream text not null,
  route text not null,
  cause text not null,
  first_at integer not null,
  last_at integer not null,
  count integer not null,
  since integer not null,
  signs integer not null,
  ended_at integer,
  request text,
  facts text not null,
  primary key (upstream, route, cause)
) strict, without rowid;

create table traces (
  seq integer primary key,
  request text not null,
  at integer not null,
  client text not null,
  upstream text not null,
  kind text not null,
  repository text not null,
  reference text not null,
  outcome text not null,
  cause text,
  hop text,
  route text,
  status integer,
  bytes integer not null,
  resumes integer not null,
  header_ms integer,
  total_ms integer not null,
  facts text not null,
  attempts text not null
) strict;
`
