/**
 * The part of an address that the limits count.
 *
 * @module
 */

const IPV4_WITH_PORT = /^(\d+\.\d+\.\d+\.\d+):\d+$/;

/** IPv4 written as IPv6 (RFC 4291, 2.5.5.2), and IPv4 translated to IPv6 (RFC 6052, 2.1). */
const MAPPED = "0:0:0:0:0:ffff";
const TRANSLATED = "64:ff9b:0:0:0:0";

/**
 * The part of an address that stands for one customer. It is a whole IPv4 address, or the first 64 bits of an IPv6
 * address, which belong to one network (RFC 4291, 2.5.1). IPv4 written as IPv6 counts as IPv4. Any other text counts
 * as it is.
 *
 * @param address An address from the platform, or from the application's `address`.
 */
export function addressKey(address: string): string {
  if (!address.includes(":")) return address;
  const [, ipv4] = IPV4_WITH_PORT.exec(address) ?? [];
  if (ipv4) return ipv4;
  const groups = groupsOf(address);
  if (!groups) return address;
  const network = groups.slice(0, 6).join(":");
  if (network !== MAPPED && network !== TRANSLATED) return `${groups.slice(0, 4).join(":")}::/64`;
  const [high, low] = groups.slice(6).map((group) => parseInt(group, 16)) as [number, number];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** The eight groups of an IPv6 address; `undefined` for anything else. */
function groupsOf(address: string): string[] | undefined {
  const [plain = ""] = address.replace(/^\[|\](:\d+)?$/g, "").split("%"); // brackets, a port, the zone
  const url = `http://[${plain}]`;
  if (!URL.canParse(url)) return undefined;
  const [left = "", right] = new URL(url).hostname.slice(1, -1).split("::");
  const [first, last] = [left, right ?? ""].map((part) => part === "" ? [] : part.split(":")) as [
    string[],
    string[],
  ];
  return [...first, ...Array<string>(8 - first.length - last.length).fill("0"), ...last];
}
