import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeToken, encodeToken, MAX_SUBJECT_LENGTH, Subjects } from "../../../adapters/nats/subject.ts";
import { test } from "../../harness.ts";

/** Any text, and often one that means something to NATS or to the encoding. */
const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom("a", "Z", "0", ".", "*", ">", "%", "u", "D", "8", " ", "\t", "\r", "\n", "\0"),
  }),
  fc.string({ unit: fc.constantFrom("\ud800", "\udc00", "é", "💥", "%", "uD800", "%uD800") }),
);

/** Characters that no part of a subject may have. */
const FORBIDDEN = /[\s.*>\0-\x20\x7f-\uffff]/;

test("nats subjects: every text is one token that a server takes, and decodes to itself", () => {
  fc.assert(fc.property(texts, (text) => {
    const token = encodeToken(text);
    assert(token.length > 0 && !FORBIDDEN.test(token) && !token.startsWith("$"), token);
    assertEquals(decodeToken(token), text);
  }));
});

test("nats subjects: no two texts share a token", () => {
  fc.assert(fc.property(texts, texts, (one, other) => {
    assertEquals(encodeToken(one) === encodeToken(other), one === other);
  }));
});

test("nats subjects: no two pairs of a prefix and a channel share a subject", () => {
  const prefixes = texts.filter((prefix) => prefix !== "");
  fc.assert(fc.property(prefixes, texts, prefixes, texts, (prefix1, channel1, prefix2, channel2) => {
    const [one, other] = [new Subjects(prefix1), new Subjects(prefix2)];
    const same = one.encode(channel1) === other.encode(channel2);
    assertEquals(same, prefix1 === prefix2 && channel1 === channel2);
    assertEquals(one.decode(one.encode(channel1)), channel1);
  }));
});

test("nats subjects: the adapter's own messages are on no channel's subject", () => {
  fc.assert(fc.property(texts, (channel) => {
    const subjects = new Subjects("app");
    for (const name of ["ask", "hello", "answer.node"]) {
      assert(subjects.encode(channel) !== subjects.aside(name));
      assertEquals(subjects.decode(subjects.aside(name)), undefined);
    }
  }));
});

test("nats subjects: plain names stay readable", () => {
  const subjects = new Subjects("acme.chat");
  assertEquals(subjects.encode("room:lobby/1"), "acme.chat.room:lobby/1");
  assertEquals(subjects.encode("a.b *"), "acme.chat.a%2Eb%20%2A");
  assertEquals(subjects.encode(""), "acme.chat.%");
  assertEquals(new Subjects("$SYS").encode("x"), "%24SYS.x");
});

test("nats subjects: only encoded names are decoded", () => {
  for (const token of ["", "%4", "%zz", "%41", "%e9", "%FF", "a.b", "%u0041", "é", "%%"]) {
    assertEquals(decodeToken(token), undefined, token);
  }
});

test("nats subjects: a channel that is too long for a server is refused, and says by how much", () => {
  const subjects = new Subjects("app");
  const longest = "x".repeat(MAX_SUBJECT_LENGTH - "app.".length);
  assertEquals(subjects.encode(longest).length, MAX_SUBJECT_LENGTH);
  assertThrows(() => subjects.encode(`${longest}x`), RangeError, `${MAX_SUBJECT_LENGTH + 1} bytes`);
  assertThrows(() => subjects.encode("名".repeat(500)), RangeError, "at most");
  assertThrows(() => new Subjects("x".repeat(1_000)), RangeError, "prefix");
  assertThrows(() => new Subjects(""), TypeError, "prefix");
});
