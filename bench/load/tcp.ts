/**
 * TCP as Bun has it natively: a chunk that comes costs a fraction of what it does by way of `node:net`, and a load client
 * that costs more than the server would measure itself.
 *
 * @module
 */

/** The part of Bun's sockets that is used. */
interface BunSocket {
  write(bytes: Uint8Array): number;
  setNoDelay(on: boolean): void;
  terminate(): void;
}

/** The part of Bun that is used. */
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

/** Who is told of what happens to a socket. */
export interface TcpUser {
  onOpen(): void;
  /** Bytes have come; they are the user's for the time of the call. */
  onChunk(chunk: Uint8Array): void;
  onFailure(error: Error): void;
  onClose(): void;
}

/** A socket that takes all that is written, and sends it as fast as it goes. */
export class Tcp {
  readonly #user: TcpUser;
  readonly #backlog: Uint8Array[] = [];
  #socket: BunSocket | undefined;

  /**
   * @param port Where to connect to, on this machine.
   * @param user Who is told.
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

  /** Ends it at once. */
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
