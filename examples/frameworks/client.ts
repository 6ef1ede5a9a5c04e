import { createClient } from "@trunkline/hub/client";
import { shop } from "./contract.ts";

/** Connects a page. */
export const connect = () => createClient(shop, { url: "/realtime", role: "visitor" });

export type ShopClient = ReturnType<typeof connect>;
