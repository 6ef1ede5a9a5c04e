/**
 * What of an address is counted.
 *
 * @module
 */

const IPV4_WITH_PORT = /^(\d+\.\d+\.\d+\.\d+):\d+$/;

/** IPv4 written as IPv6 (RFC 4291, 2.5.5.2), and translated to it (RFC 6052, 2.1). */
const MAPPED = "0:0:0:0:0:ffff";
const TRANSLATED = "64:ff9b:0:0:0:0";

/**
 * The part of an address that stands for one customer: an IPv4 address whole, an IPv6 address up to the 64 bits that
 * one network has for itself (RFC 4291, 2.5.1). IPv4 that is written as IPv6 counts as IPv4; what is no address of
 * these counts as it is.
 *
 * @param address An address, as a platform or the application's `address` gives it.
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
