/**
 * What fits into a login to RabbitMQ.
 *
 * @module
 */

import { exceedsUtf8, utf8Size } from "../../contract/values/utf8_size.ts";

/** How to log in. */
export interface Login {
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
}

const MAX_VHOST_BYTES = 255;
/** The library has 8 KiB for the login, some of which say who connects. */
const MAX_CREDENTIAL_BYTES = 7_000;

/**
 * Refuses a login that can never succeed, which would be tried for ever.
 *
 * @param login The login; no error tells the password.
 * @throws {TypeError} If a text cannot be sent as it is.
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
      } bytes, at most ${MAX_VHOST_BYTES} fit`,
    );
  }
  const size = utf8Size(login.username) + utf8Size(login.password);
  if (size > MAX_CREDENTIAL_BYTES) {
    throw new RangeError(
      `Cannot use this username and password of createRabbitMqAdapter: they take ${size} bytes, at most ${MAX_CREDENTIAL_BYTES} fit`,
    );
  }
}
