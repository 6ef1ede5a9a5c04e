import { assertEquals } from "@std/assert";
import { addressKey } from "../../hub/session/admission/address_key.ts";
import { test } from "../harness.ts";

test("addresses: an IPv6 address counts by its /64, IPv4 in whatever form as IPv4, anything else as it is", () => {
  const same = {
    "2001:db8:1:2::/64": [
      "2001:db8:1:2::1",
      "2001:DB8:1:2:ffff:ffff:ffff:ffff",
      "2001:0db8:0001:0002:0003:0004:0005:0006",
      "[2001:db8:1:2::1]",
      "[2001:db8:1:2::1]:8080",
      "2001:db8:1:2::1%eth0",
    ],
    "2001:db8:1:3::/64": ["2001:db8:1:3::1"],
    "0:0:0:0::/64": ["::1", "::"],
    "fe80:0:0:0::/64": ["fe80::1%lo0"],
    "192.0.2.1": [
      "192.0.2.1",
      "192.0.2.1:5678",
      "::ffff:192.0.2.1",
      "::FFFF:c000:201",
      "0:0:0:0:0:ffff:192.0.2.1",
      "64:ff9b::192.0.2.1",
    ],
  };
  for (const [key, addresses] of Object.entries(same)) {
    for (const address of addresses) assertEquals(addressKey(address), key, address);
  }
  for (
    const address of ["", "ann", "a:b", ":::", "2001:db8::1::2", "unknown", "_hidden:1", "1.2.3.4, 5.6.7.8"]
  ) {
    assertEquals(addressKey(address), address);
  }
});
