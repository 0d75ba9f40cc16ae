/** Downloads that were begun. What each column means is in `tables.ts`. */
export const FILLS = `
create table fills (
  id text primary key,
  upstream text not null,
  digest text not null,
  boot text not null,
  synced integer not null
) strict, without rowid;
`
