/**
 * The size limits of a login to RabbitMQ.
 *
 * @module
 */

import { exceedsUtf8, utf8Size } from "../../contract/values/utf8_size.ts";

/** The login. */
export interface Login {
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
}

const MAX_VHOST_BYTES = 255;
/** The library has 8 KiB for the login. A part of it describes the client. */
const MAX_CREDENTIAL_BYTES = 7_000;

/**
 * Refuses a login that can never succeed. Else the adapter would retry it for ever.
 *
 * @param login The login. No error shows the password.
 * @throws {TypeError} If a text cannot be sent unchanged.
 * @throws {RangeError} If a text is too long.
 */
export function checkLogin(login: Login): void {
  for (const part of ["username", "password", "vhost"] as const) {
    if (login[part].isWellFormed() && !login[part].includes("\0")) continue;
    throw new TypeError(
      `Cannot use this ${part} of createRabbitMqAdapter: give well-formed text without U+0000, which ends a text in a login`,
    );
  }
  if (exceedsUtf8(login.vhost, MAX_VHOST_BYTES)) {
    throw new RangeError(
      `Cannot use this vhost of createRabbitMqAdapter: it takes ${
        utf8Size(login.vhost)
      } bytes, and at most ${MAX_VHOST_BYTES} fit`,
    );
  }
  const size = utf8Size(login.username) + utf8Size(login.password);
  if (size > MAX_CREDENTIAL_BYTES) {
    throw new RangeError(
      `Cannot use this username and password of createRabbitMqAdapter: they take ${size} bytes, and at most ${MAX_CREDENTIAL_BYTES} fit`,
    );
  }
}
