import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CLOSE_CODES, ERROR_CODES, HubError, mayReconnect, toWireError } from "../../contract/mod.ts";
import { test } from "../harness.ts";
import { json, text } from "./arbitraries.ts";
import { runs } from "./runs.ts";

const INTERNAL = { code: "INTERNAL", message: "Internal error" };

test("of an error that is not meant for the other side not a word crosses the wire", () => {
  const secret = "hunter2";
  class Lookalike extends Error {
    readonly code = secret;
    readonly data = secret;
    override name = "HubError";
  }
  const thrown: unknown[] = [
    new Error(secret, { cause: secret }),
    new TypeError(secret),
    new Lookalike(secret),
    new AggregateError([new Error(secret)], secret),
    new DOMException(secret, "AbortError"),
    { code: secret, message: secret },
    Object.create({ code: secret, message: secret }),
    secret,
    Symbol(secret),
    42n,
    null,
    undefined,
    () => secret,
    new Proxy({}, {
      get() {
        throw new Error(secret);
      },
    }),
  ];
  for (const error of thrown) assertEquals(toWireError(error), INTERNAL);
  fc.assert(fc.property(fc.anything(), (error) => assertEquals(toWireError(error), INTERNAL)), runs());
});

test("of a HubError the code, message and data cross the wire; its cause and stack never", () => {
  fc.assert(
    fc.property(text, text, fc.option(json, { nil: undefined }), (code, message, data) => {
      const error = new HubError(code, message, { data, cause: new Error("hunter2") });
      const [sentCode, sentMessage] = [code.toWellFormed(), message.toWellFormed()];
      assertEquals(
        toWireError(error),
        data === undefined
          ? { code: sentCode, message: sentMessage }
          : { code: sentCode, message: sentMessage, data },
      );
      assertEquals(Object.keys(toWireError(error)).length, data === undefined ? 2 : 3);
      assert(error.cause instanceof Error && error.stack);
    }),
    runs(),
  );
  class Extended extends HubError {
    readonly secret = "hunter2";
  }
  assert(!JSON.stringify(toWireError(new Extended("MINE", "why"))).includes("hunter2"));
});

test("a HubError names itself, and its code where it has no message", () => {
  const error = new HubError("ROOM_FULL");
  assertEquals([error.name, error.message, error.data, "cause" in error], [
    "HubError",
    "ROOM_FULL",
    undefined,
    false,
  ]);
});

test("error codes are distinct, and the range of a close code tells whether the client may reconnect", () => {
  assertEquals(new Set(ERROR_CODES).size, ERROR_CODES.length);
  const codes = Object.entries(CLOSE_CODES);
  assertEquals(new Set(codes.map(([, code]) => code)).size, codes.length);
  for (const [name, code] of codes) {
    assert(code >= 4000 && code <= 4999, name);
    assertEquals(mayReconnect(code), code < 4500, name);
  }
  for (const code of [0, 1000, 1001, 1006, 1009, 1011, 3000, 4000, 4499, 5000]) assert(mayReconnect(code));
  for (const code of [4500, 4750, 4999]) assert(!mayReconnect(code));
});
