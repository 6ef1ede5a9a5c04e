/**
 * Servers that are programs of their own, with the settings that make them fastest. Their messages need no disk and no answer.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findServer } from "../../tools/brokers/program.ts";

const run = promisify(execFile);

/** How to start a program in a folder of its own. */
export interface Start {
  readonly program: string;
  readonly args: readonly string[];
  /** The line that it prints when it serves. */
  readonly ready: RegExp;
  /** The content of its configuration, which is in the file `config` of the folder. */
  readonly config?: string;
}

/** A program. */
export interface NativeProgram {
  /** What must be installed. */
  readonly needs: string;
  /** Finds its path, if it is installed. */
  find(): string | undefined;
  /**
   * Prepares its start.
   *
   * @param path The path that `find` found.
   * @param port The port of 127.0.0.1 for WebSockets.
   * @param folder Its folder.
   */
  prepare(path: string, port: number, folder: string): Promise<Start> | Start;
}

/** How many connections each accepts. */
const CONNECTIONS = 20_000;

const NCHAN = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/** NATS. A client may fall behind by 256 MB before the server closes it. */
const nats: NativeProgram = {
  needs: "nats-server",
  find: () => findServer("nats-server", "NATS_SERVER"),
  prepare: (program, port, folder) => ({
    program,
    args: ["--config", join(folder, "config")],
    ready: /Server is ready/,
    config: `host: "127.0.0.1"
port: -1
max_connections: ${CONNECTIONS}
max_pending: 256MB
ping_interval: "10m"
websocket { host: "127.0.0.1", port: ${port}, no_tls: true, compression: false }
`,
  }),
};

/** Mosquitto, an MQTT broker, without a limit of the messages that wait for a client. */
const mosquitto: NativeProgram = {
  needs: "mosquitto",
  find: () => findServer("mosquitto", "MOSQUITTO"),
  prepare: (program, port, folder) => ({
    program,
    args: ["-c", join(folder, "config")],
    ready: /mosquitto version \S+ running/,
    // Version 2.0 does not start with WebSockets only, so it also gets a socket that nobody uses.
    config: `user ${userInfo().username}
listener 0 ${join(folder, "socket")}
listener ${port} 127.0.0.1
protocol websockets
allow_anonymous true
persistence false
max_queued_messages 0
set_tcp_nodelay true
log_type error
log_type information
connection_messages false
`,
  }),
};

/**
 * nginx with nchan, in one process, because there is one processor, and because workers would live on when nginx is killed.
 * Subscribers read from a buffer of the channel.
 */
const nchan: NativeProgram = {
  needs: "nginx with its module nchan",
  find: () => (existsSync(NCHAN) ? findServer("nginx", "NGINX") : undefined),
  prepare: (program, port, folder) => ({
    program,
    args: ["-p", folder, "-c", join(folder, "config"), "-e", "stderr"],
    ready: /using the "epoll" event method/,
    config: `load_module ${NCHAN};
daemon off;
master_process off;
pid pid.nginx;
error_log stderr notice;
events { worker_connections ${CONNECTIONS}; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  nchan_shared_memory_size 256M;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = / {
      nchan_pubsub websocket;
      nchan_channel_id bench;
      nchan_subscriber_first_message newest;
      nchan_message_buffer_length 100000;
      nchan_message_timeout 10s;
    }
  }
}
`,
  }),
};

/** What the kernel allows: a server in C that does nothing but read frames, and send the joined messages of a turn to all. */
const limit: NativeProgram = {
  needs: "a C compiler",
  find: () => findServer("cc", "CC"),
  async prepare(compiler, port, folder) {
    const program = join(folder, "limit");
    await run(compiler, ["-O2", "-o", program, new URL("limit.c", import.meta.url).pathname]);
    return { program, args: [String(port)], ready: /ready/ };
  },
};

/** The programs by name. */
export const programs = { nats, mosquitto, nchan, limit } as const satisfies Readonly<
  Record<string, NativeProgram>
>;

/** The name of a program. */
export type ProgramName = keyof typeof programs;
