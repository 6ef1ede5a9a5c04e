/**
 * Checks MessagePack before it is decoded. Decoders reserve memory for as many items as a list claims to have, so a
 * few bad bytes can cost gigabytes.
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

const isListHead = (first: number | undefined): boolean =>
  first !== undefined && ((first & 0xf0) === 0x90 || first === 0xdc || first === 0xdd);

/**
 * Checks that a frame is exactly one value, as long as its heads say.
 *
 * @param frame The frame.
 * @returns Whether the value is a list, and how deep lists and maps are nested in it.
 * @throws {RangeError} When the frame is longer or shorter.
 */
export function scanMsgpack(frame: Uint8Array): { readonly isList: boolean; readonly depth: number } {
  const { end, depth } = skip(frame, 0);
  if (end !== frame.length) throw new RangeError("The frame is longer than it says");
  return { isList: isListHead(frame[0]), depth };
}

/**
 * Finds the items of a list in a frame that {@linkcode scanMsgpack} has checked.
 *
 * @param frame The frame.
 * @param start Where the list starts.
 * @param end Where it ends.
 * @returns The start, end and depth of each item. Empty if the value is not a list.
 */
export function splitMsgpack(
  frame: Uint8Array,
  start: number,
  end: number,
): (readonly [start: number, end: number, depth: number])[] {
  if (!isListHead(frame[start])) return [];
  const items: (readonly [number, number, number])[] = [];
  let at = start + readHead(viewOf(frame), start).size;
  while (at < end) {
    const item = skip(frame, at);
    items.push([at, item.end, item.depth]);
    at = item.end;
  }
  return items;
}

const viewOf = (frame: Uint8Array): DataView =>
  new DataView(frame.buffer, frame.byteOffset, frame.byteLength);

/** Reads through one value. Returns where it ends, and how deep it is nested. */
function skip(frame: Uint8Array, start: number): { readonly end: number; readonly depth: number } {
  const view = viewOf(frame);
  /** How many values each open list still needs, from the outside in. */
  const open: number[] = [1];
  let at = start;
  let promised = 1;
  let depth = 0;
  while (open.length > 0) {
    if (open[open.length - 1] === 0) {
      open.pop();
      continue;
    }
    open[open.length - 1]!--;
    promised--;
    const { size, bytes, items } = readHead(view, at);
    at += size + bytes;
    promised += items;
    // Every value takes at least one byte, so a frame cannot hold more values than bytes.
    if (at + promised > frame.length) throw new RangeError("The frame is shorter than it says");
    if (items === 0) continue;
    open.push(items);
    depth = Math.max(depth, open.length - 1);
  }
  return { end: at, depth };
}
