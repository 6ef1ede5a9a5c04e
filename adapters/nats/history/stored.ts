/**
 * What is read from the stream.
 *
 * @module
 */

/** A message of the stream. */
export interface Stored {
  /** Its number in the stream. */
  readonly seq: number;
  readonly subject: string;
  /** When the server got it, in milliseconds by its wall clock. */
  readonly at: number;
  readonly data: Uint8Array;
  /** Its headers in Base64, if the stream's leader was asked and the message has some. */
  readonly headers?: string;
}
