import { linkCases } from "./link_cases.ts";
import { startWebSocket } from "./start_websocket.ts";

linkCases("websocket", (acceptor) => startWebSocket(acceptor));
