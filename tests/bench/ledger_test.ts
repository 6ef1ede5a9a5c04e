import { assertEquals } from "@std/assert";
import { Ledger } from "../../bench/load/recovery/ledger.ts";
import { test } from "../harness.ts";

/** A ledger of messages that are published at 0, 100, 200, … and answered 1 ms later. */
function published(messages: number, clients = 1): Ledger {
  const ledger = new Ledger(clients);
  for (let number = 0; number < messages; number++) {
    ledger.publish(number, number * 100);
    ledger.keep(number, number * 100 + 1);
  }
  return ledger;
}

/** The parts of a judgement that are not zero. */
function counts(ledger: Ledger) {
  const { delivered, expected, duplicates, disordered, falseClaims, silentlyLost, neverBack } = ledger
    .judge();
  return { delivered, expected, duplicates, disordered, falseClaims, silentlyLost, neverBack };
}

const WELL = {
  delivered: 3,
  expected: 3,
  duplicates: 0,
  disordered: 0,
  falseClaims: 0,
  silentlyLost: 0,
  neverBack: 0,
};

test("bench: a message that all clients get once and in order is no fault", () => {
  const ledger = published(3);
  for (const number of [0, 1, 2]) ledger.hear(0, number, number * 100 + 5);
  assertEquals(counts(ledger), WELL);
  assertEquals(ledger.judge().latency, { p50: 5, p95: 5, p99: 5, max: 5 });
  assertEquals(ledger.judge().outages, 0);
});

test("bench: a dropped message counts as missed, also if the client gets all others", () => {
  const ledger = published(3, 2);
  for (const number of [0, 1, 2]) ledger.hear(0, number, 300);
  for (const number of [0, 2]) ledger.hear(1, number, 300);
  assertEquals(counts(ledger), { ...WELL, delivered: 5, expected: 6, silentlyLost: 1 });
  assertEquals(ledger.missing, 1);
  assertEquals([ledger.has(1, 1), ledger.has(1, 2)], [false, true]);
});

test("bench: duplicates, and messages after later ones, are counted", () => {
  const ledger = published(3);
  for (const number of [0, 2, 1, 1]) ledger.hear(0, number, 300);
  assertEquals(counts(ledger), { ...WELL, duplicates: 1, disordered: 1 });
});

test("bench: a message without the server's confirmation does not count as missed, nor as a duplicate when it comes", () => {
  const ledger = published(3);
  ledger.publish(3, 300);
  for (const number of [0, 1, 2, 3]) ledger.hear(0, number, 400);
  assertEquals(counts(ledger), WELL);
});

test("bench: a message for some clients only is not missed by others", () => {
  const ledger = new Ledger(4);
  ledger.publish(0, 0);
  ledger.keep(0, 1, 2);
  ledger.hear(0, 0, 5);
  assertEquals([ledger.missing, ledger.judge().expected], [1, 2]);
});

test("bench: a client that is wrongly told that it has everything counts as a false claim, once each time", () => {
  const ledger = published(6);
  ledger.hear(0, 0, 5);
  ledger.lose(0, 50, 250);
  ledger.return(0, 260, true); // of 1 and 2, neither came
  ledger.hear(0, 3, 305);
  ledger.lose(0, 350, 450);
  ledger.hear(0, 4, 470); // before it was told
  ledger.return(0, 480, true);
  ledger.hear(0, 5, 505);
  assertEquals(counts(ledger), {
    ...WELL,
    delivered: 4,
    expected: 6,
    falseClaims: 1,
    silentlyLost: 2,
  });
});

test("bench: messages that a client is told to have missed do not count as silently lost", () => {
  const ledger = published(4);
  ledger.hear(0, 0, 5);
  ledger.lose(0, 50, 250);
  ledger.return(0, 260, false);
  ledger.hear(0, 3, 305);
  assertEquals(counts(ledger), { ...WELL, delivered: 2, expected: 4 });
  const untold = published(4);
  untold.hear(0, 0, 5);
  untold.lose(0, 50, 250);
  untold.return(0, 260, undefined);
  untold.hear(0, 3, 305);
  assertEquals(counts(untold), { ...WELL, delivered: 2, expected: 4, silentlyLost: 2 });
});

test("bench: a replay lasts from the return of the network until the last message of the outage has arrived", () => {
  const ledger = published(4);
  ledger.hear(0, 0, 5);
  ledger.lose(0, 50, 250);
  ledger.return(0, 310, true);
  for (const number of [1, 2, 3]) ledger.hear(0, number, 320 + number);
  const { replay, away, latency } = ledger.judge();
  assertEquals([replay.max, away.max, latency.max], [73, 260, 221]); // number 3 came after the network, and before the client
});

test("bench: there is no replay for an outage without a message, or after which not all messages came", () => {
  const ledger = published(3);
  ledger.hear(0, 0, 5);
  ledger.lose(0, 20, 40);
  ledger.return(0, 60, true);
  ledger.lose(0, 90, 150);
  ledger.return(0, 210, true);
  ledger.hear(0, 2, 215);
  const { replay, outages } = ledger.judge();
  assertEquals([replay.max, outages], [NaN, 2]);
});

test("bench: an outage that begins while a client is away extends its absence, and a client that does not return is counted as lost", () => {
  const ledger = published(1, 2);
  ledger.lose(0, 0, 20);
  ledger.lose(0, 30, 90);
  assertEquals(ledger.away, 1);
  ledger.return(0, 100, true);
  ledger.hear(0, 0, 105);
  const { away, replay, outages } = ledger.judge();
  assertEquals([ledger.away, away.max, replay.max, outages], [0, 100, 15, 1]);
  ledger.lose(1, 200, 300);
  assertEquals([ledger.judge().neverBack, ledger.judge().outages], [1, 2]);
});
