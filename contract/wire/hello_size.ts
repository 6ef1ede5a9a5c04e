/**
 * The largest size of a hello.
 *
 * @module
 */

/** The largest hello that a server accepts, in bytes. It is less if the server's largest frame is smaller. */
export const MAX_HELLO_BYTES = 64 * 1024;
