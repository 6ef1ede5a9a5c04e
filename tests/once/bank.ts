/**
 * Nodes of a bank, where every request that is done twice costs money.
 *
 * @module
 */

import {
  type Client,
  type ClientOptions,
  createClient,
  createHub,
  createMemoryAdapter,
  createMemoryBus,
  defineContract,
  type HandlerContext,
  type Hub,
  type HubErrorInfo,
  type HubOptions,
} from "@trunkline/hub";
import { createLoopbackTransport, type LoopbackClient } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import { microtaskClock } from "../fake_clock.ts";
import { acquainted } from "../hub/cluster.ts";
import { network } from "../hub/wires.ts";

export const bank = defineContract({
  roles: {
    customer: {
      clientToServer: {
        pay: {
          input: z.object({ to: z.string(), amount: z.number() }),
          output: z.object({ receipt: z.number(), note: z.any() }),
        },
        order: { input: z.object({ to: z.string(), amount: z.number() }), output: z.any() },
        ping: { input: z.number(), output: z.number() },
      },
    },
  },
});

type Bank = (typeof bank)["definition"];
export type Customer = Client<Bank, "customer">;
/** The input of a payment. */
export interface Payment {
  readonly to: string;
  readonly amount: number;
}

/** How the bank pays; answers with the note of the receipt. */
type Pay = (payment: Payment, context: Pick<HandlerContext<unknown>, "signal" | "id">) => unknown;

/** One node. */
export interface Branch {
  readonly hub: Hub<Bank, { id: string } | undefined, undefined>;
  readonly line: LoopbackClient;
  readonly url: string;
}

/** All nodes. */
export interface BankScene extends AsyncDisposable {
  readonly branches: readonly Branch[];
  /** Every payment that was begun, on any node. */
  readonly paid: Payment[];
  /** Numbers that were pinged, as they were handled. */
  readonly pinged: number[];
  readonly errors: { readonly error: unknown; readonly info: HubErrorInfo }[];
  /** Executes a payment. */
  pay: Pay;
  /** A client that is open. */
  customer(id?: string, options?: Partial<ClientOptions<"customer">>): Promise<Customer>;
}

/** Opens it. */
export async function openBank(
  count: number,
  options: Partial<HubOptions<Bank, { id: string } | undefined, undefined>> = {},
): Promise<BankScene> {
  const bus = createMemoryBus();
  const clients: Customer[] = [];
  const errors: BankScene["errors"] = [];
  const scene = { paid: [] as Payment[], pinged: [] as number[], errors, pay: (() => "paid") as Pay };
  const branches: Branch[] = [];
  for (let i = 0; i < count; i++) {
    const loopback = createLoopbackTransport();
    const hub: Branch["hub"] = createHub(bank, {
      authenticate: ({ role, token }) => ({ role, user: token ? { id: token } : undefined }),
      transports: [loopback],
      ...(count > 1 && { adapter: createMemoryAdapter({ bus }) }),
      clock: microtaskClock,
      onError: (error, info) => errors.push({ error, info }),
      ...options,
    });
    const pay = async (payment: Payment, context: Parameters<Pay>[1]) => {
      const receipt = scene.paid.push(payment);
      return { receipt, note: await scene.pay(payment, context) };
    };
    hub.implement({ customer: { pay, order: pay, ping: (n) => scene.pinged.push(n) } });
    await hub.ready;
    branches.push({ hub, line: loopback.client(), url: `ws://${i}/` });
  }
  if (count > 1) await acquainted(branches.map(({ hub }) => hub));
  const lines = Object.fromEntries(branches.map(({ url, line }) => [url, line]));
  return Object.assign(scene, {
    branches,
    async customer(id: string | undefined = "ann", own: Partial<ClientOptions<"customer">> = {}) {
      const client = createClient(bank, {
        url: branches.map(({ url }) => url),
        role: "customer",
        token: id,
        transport: network(lines),
        reconnect: { baseMs: 1, maxMs: 5, patientMs: 5 },
        onError: () => {},
        ...own,
      });
      clients.push(client);
      await client.ready;
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.close();
      for (const { hub } of branches) await hub.close();
    },
  });
}
