/** Milliseconds: how long what is waited for (design, "Answers in time"). A client has its answer within 10 s. */
export const TIMES = {
  /** For connection, CONNECT and TLS together. */
  connect: 3_000,
  /** Nothing came: who has something older need not wait. */
  opens: 2_000,
  /** Of silence, before the next route is tried beside. */
  hedge: 3_000,
  /** The same where a route is tried again that failed, though another works. */
  probe: 300,
  /** Of silence, before the same route is tried anew beside. */
  silence: 5_000,
  /** Between two attempts of one who waits, at the most where the route is not what fails. */
  retry: 400,
  /** No attempt begins later: it would have too little time. */
  begins: 9_000,
  /** What can be told is told, so that it is told in time. */
  answer: 9_500,
  /** What is going on goes on behind as long. */
  longest: 60_000,
} as const
