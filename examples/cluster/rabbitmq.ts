/**
 * Starts a RabbitMQ beside the system's own: with its own folder, cookie and Erlang port mapper.
 *
 * @module
 */

/** `$0` is the server's program, `$1` its port, and `$2` the port of the port mapper. The mapper ends a second after the server. */
const SCRIPT = `
cat > rabbitmq.config <<END
[{rabbit, [{tcp_listeners, [{"127.0.0.1", $1}]}, {log, [{console, [{enabled, true}]}, {file, [{enabled, false}]}]}]}].
END
echo '[].' > plugins
printf trunkline > .erlang.cookie && chmod 600 .erlang.cookie
export HOME="$PWD" RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_CONFIG_FILE="$PWD/rabbitmq.config"
export RABBITMQ_MNESIA_BASE="$PWD/mnesia" RABBITMQ_LOG_BASE="$PWD/log" RABBITMQ_PID_FILE="$PWD/rabbitmq.pid"
export RABBITMQ_ENABLED_PLUGINS_FILE="$PWD/plugins" RABBITMQ_FEATURE_FLAGS_FILE="$PWD/feature_flags"
export RABBITMQ_NODENAME="trunkline-$1@localhost" RABBITMQ_DIST_PORT="$(($1 + 20000))"
export RABBITMQ_ALLOW_INPUT=1 RABBITMQ_SERVER_START_ARGS=-noinput
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
export ERL_EPMD_PORT="$2" ERL_EPMD_ADDRESS=127.0.0.1
(
  epmd -port "$2" -address 127.0.0.1 &
  while kill -0 $$ 2> /dev/null; do sleep 1; done
  kill $!
) &
exec "$0"
`;

/** Debian's program on the PATH changes the user, which needs root. This is the program that it runs. */
const DEBIAN = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/**
 * The arguments of `/bin/sh` that start a server.
 *
 * @param path The path of `rabbitmq-server`.
 * @param port The port to listen to.
 * @param otherPort A port for its port mapper.
 */
export function rabbitMqArgs(path: string, port: number, otherPort: number): string[] {
  return ["-c", SCRIPT, path.startsWith("/usr/sbin/") ? DEBIAN : path, `${port}`, `${otherPort}`];
}
