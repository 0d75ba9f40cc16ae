/** When an upstream last spoke of a cached tag. What each column means is in `tables.ts`. */
export const CONFIRMATIONS = `
alter table tags add column confirmed_at integer;
alter table tags add column gone_at integer;
`
