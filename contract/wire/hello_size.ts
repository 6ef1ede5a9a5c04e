/**
 * How large a hello may be.
 *
 * @module
 */

/** The largest hello that a server takes, in bytes; less where its frames may not be as large. */
export const MAX_HELLO_BYTES = 64 * 1024;
