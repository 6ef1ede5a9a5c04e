/**
 * Finds the end of a value that cannot be decoded, so that the values behind it can be.
 *
 * @module
 */

/** The size of a value's head and body, and how many values it holds. The first byte says so. */
interface Head {
  /** The bytes of the value itself, after its head. */
  readonly bytes: number;
  /** How many values are inside. */
  readonly items: number;
  /** The bytes of the head, with the first one. */
  readonly size: number;
}

/** Reads the head of a value (https://github.com/msgpack/msgpack/blob/master/spec.md#formats). */
function readHead(view: DataView, at: number): Head {
  const first = view.getUint8(at);
  if (first < 0x80 || first >= 0xe0) return { size: 1, bytes: 0, items: 0 }; // small numbers
  if (first < 0x90) return { size: 1, bytes: 0, items: 2 * (first & 15) };
  if (first < 0xa0) return { size: 1, bytes: 0, items: first & 15 };
  if (first < 0xc0) return { size: 1, bytes: first & 31, items: 0 };
  switch (first) {
    case 0xc4: // bytes
    case 0xd9: // text
      return { size: 2, bytes: view.getUint8(at + 1), items: 0 };
    case 0xc5:
    case 0xda:
      return { size: 3, bytes: view.getUint16(at + 1), items: 0 };
    case 0xc6:
    case 0xdb:
      return { size: 5, bytes: view.getUint32(at + 1), items: 0 };
    case 0xc7: // extensions
      return { size: 2, bytes: view.getUint8(at + 1) + 1, items: 0 };
    case 0xc8:
      return { size: 3, bytes: view.getUint16(at + 1) + 1, items: 0 };
    case 0xc9:
      return { size: 5, bytes: view.getUint32(at + 1) + 1, items: 0 };
    case 0xcc:
    case 0xd0:
      return { size: 1, bytes: 1, items: 0 };
    case 0xcd:
    case 0xd1:
    case 0xd4:
      return { size: 1, bytes: 2, items: 0 };
    case 0xd5:
      return { size: 1, bytes: 3, items: 0 };
    case 0xca:
    case 0xce:
    case 0xd2:
      return { size: 1, bytes: 4, items: 0 };
    case 0xd6:
      return { size: 1, bytes: 5, items: 0 };
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return { size: 1, bytes: 8, items: 0 };
    case 0xd7:
      return { size: 1, bytes: 9, items: 0 };
    case 0xd8:
      return { size: 1, bytes: 17, items: 0 };
    case 0xdc: // lists
      return { size: 3, bytes: 0, items: view.getUint16(at + 1) };
    case 0xdd:
      return { size: 5, bytes: 0, items: view.getUint32(at + 1) };
    case 0xde: // maps
      return { size: 3, bytes: 0, items: 2 * view.getUint16(at + 1) };
    case 0xdf:
      return { size: 5, bytes: 0, items: 2 * view.getUint32(at + 1) };
    default: // nil, false, true, and the unused byte
      return { size: 1, bytes: 0, items: 0 };
  }
}

/**
 * Finds the end of a value without decoding it.
 *
 * @param frame The frame.
 * @param start Where the value starts.
 * @returns Where it ends.
 * @throws {RangeError} When the frame ends before.
 */
export function endOf(frame: Uint8Array, start: number): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let at = start;
  for (let promised = 1; promised > 0;) {
    const { size, bytes, items } = readHead(view, at);
    at += size + bytes;
    promised += items - 1;
    // Every value takes at least one byte, so a frame cannot hold more values than bytes.
    if (at + promised > frame.length) throw new RangeError("The frame is shorter than it says");
  }
  return at;
}
