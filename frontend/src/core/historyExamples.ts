/** Histories to try: a stale read behind a partition, one that holds although an answer was lost, and a lock held twice. */

export type ExampleName = 'stale' | 'lost_answer' | 'lock';

const operation = (id: number, client: string, kind: string, from: number, to: number | null, rest: object): object =>
  ({ id, client, key: 'x', kind, invoked_us: from * 1000, ...(to === null ? {} : { returned_us: to * 1000 }), ...rest });

const stale = {
  format: 1,
  model: 'cas-register',
  initial: 0,
  operations: [
    operation(0, 'c1', 'put', 0, 9, { argument: 1, outcome: 'ok' }),
    operation(1, 'c2', 'get', 4, 12, { outcome: 'ok', result: 0 }),
    operation(2, 'c3', 'cas', 11, 24, { argument: [1, 2], outcome: 'ok' }),
    operation(3, 'c2', 'get', 15, 28, { outcome: 'ok', result: 2 }),
    operation(4, 'c1', 'put', 30, 90, { argument: 3, outcome: 'unknown' }),
    operation(5, 'c3', 'put', 40, 55, { argument: 4, outcome: 'ok' }),
    operation(6, 'c2', 'get', 58, 66, { outcome: 'ok', result: 4 }),
    operation(7, 'c4', 'get', 60, 72, { outcome: 'ok', result: 2 }),
    operation(8, 'c3', 'get', 75, 84, { outcome: 'ok', result: 4 }),
  ],
  faults: [{ at_us: 26_000, until_us: 70_000, what: 'partition n1 | n2 n3' }],
};

const LOST_ANSWER = `INFO  jepsen.util - 0 :invoke :write 1
INFO  jepsen.util - 0 :ok :write 1
INFO  jepsen.util - :nemesis :info :start "isolated n1"
INFO  jepsen.util - 1 :invoke :write 2
INFO  jepsen.util - 2 :invoke :read nil
INFO  jepsen.util - 2 :ok :read 1
INFO  jepsen.util - 1 :info :write :timed-out
INFO  jepsen.util - 0 :invoke :cas [1 3]
INFO  jepsen.util - 2 :invoke :read nil
INFO  jepsen.util - 0 :fail :cas [1 3]
INFO  jepsen.util - 2 :ok :read 2
INFO  jepsen.util - :nemesis :info :stop "healed"
`;

const LOCK = `[{:process 0, :type :invoke, :f :acquire, :value nil}
 {:process 0, :type :ok,     :f :acquire, :value nil}
 {:process 1, :type :invoke, :f :acquire, :value nil}
 {:process :nemesis, :type :info, :f :pause, :value "process 0"}
 {:process 1, :type :ok,     :f :acquire, :value nil}
 {:process 0, :type :invoke, :f :release, :value nil}
 {:process 0, :type :ok,     :f :release, :value nil}]
`;

export const EXAMPLES: Record<ExampleName, string> = { stale: `${JSON.stringify(stale, null, 1)}\n`, lost_answer: LOST_ANSWER, lock: LOCK };
