import { conformanceTests } from "./conformance_cases.ts";
import { startWebSocket } from "./start_websocket.ts";

conformanceTests("websocket", { start: (acceptor) => startWebSocket(acceptor) });
