/**
 * TCP with Bun's native sockets. An incoming chunk costs a fraction of its cost with `node:net`. A load client that is slower
 * than the server would measure itself.
 *
 * @module
 */

/** The part of Bun's socket that this file uses. */
interface BunSocket {
  write(bytes: Uint8Array): number;
  setNoDelay(on: boolean): void;
  terminate(): void;
}

/** The part of Bun that this file uses. */
interface BunTcp {
  connect(options: {
    hostname: string;
    port: number;
    socket: {
      open(socket: BunSocket): void;
      data(socket: BunSocket, chunk: Uint8Array): void;
      drain(): void;
      close(): void;
      error(socket: BunSocket, error: Error): void;
      connectError(socket: BunSocket, error: Error): void;
    };
  }): Promise<unknown>;
}

/** Receives the events of a socket. */
export interface TcpUser {
  onOpen(): void;
  /** Called with incoming bytes. They are valid only during the call. */
  onChunk(chunk: Uint8Array): void;
  onFailure(error: Error): void;
  onClose(): void;
}

/** A socket that accepts every write, and sends as fast as it can. */
export class Tcp {
  readonly #user: TcpUser;
  readonly #backlog: Uint8Array[] = [];
  #socket: BunSocket | undefined;

  /**
   * @param port The port on this machine.
   * @param user Receives the events.
   */
  constructor(port: number, user: TcpUser) {
    this.#user = user;
    const fail = (error: Error) => user.onFailure(error);
    const { Bun } = globalThis as unknown as { Bun: BunTcp };
    Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (socket) => this.#open(socket),
        data: (_socket, chunk) => user.onChunk(chunk),
        drain: () => this.#flush(),
        close: () => user.onClose(),
        error: (_socket, error) => fail(error),
        connectError: (_socket, error) => fail(error),
      },
    }).catch(fail);
  }

  /** Writes bytes. */
  write(bytes: Uint8Array): void {
    this.#backlog.push(bytes);
    if (this.#backlog.length === 1) this.#flush();
  }

  /** Closes the socket at once. */
  destroy(): void {
    this.#socket?.terminate();
  }

  #open(socket: BunSocket): void {
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#user.onOpen();
  }

  #flush(): void {
    while (this.#socket && this.#backlog.length > 0) {
      const [bytes] = this.#backlog as [Uint8Array];
      const written = this.#socket.write(bytes);
      if (written < bytes.length) {
        if (written > 0) this.#backlog[0] = bytes.subarray(written);
        return;
      }
      this.#backlog.shift();
    }
  }
}
