/*
 * The limit: what the kernel allows. A server that joins the messages of a turn into one text frame, as Trunkline does, and sends
 * it to every client with one call. It knows no topics, and checks nothing. It does not look at what the clients say, with one
 * exception: a message that begins with "?" goes back to its sender only.
 *
 * It answers every handshake as if it had the key of the load client, which is always the same.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 1024, READ = 65536, HEADER = 10 };

struct buffer {
  unsigned char *bytes;
  size_t size, room;
};

struct client {
  int fd;
  int upgraded;
  size_t place;        /* its index in the list of clients */
  struct buffer in;    /* the beginning of a frame whose rest has not come */
  struct buffer out;   /* what the kernel has not taken yet */
};

static struct client **clients;
static size_t count, room;
static int poll_fd;
static struct buffer turn;

static void append(struct buffer *to, const void *bytes, size_t size) {
  if (to->size + size > to->room) {
    to->room = 2 * (to->size + size);
    to->bytes = realloc(to->bytes, to->room);
    if (!to->bytes) abort();
  }
  memcpy(to->bytes + to->size, bytes, size);
  to->size += size;
}

static void drop(struct buffer *from, size_t size) {
  from->size -= size;
  memmove(from->bytes, from->bytes + size, from->size);
}

static void watch(struct client *client, int how, uint32_t events) {
  struct epoll_event event = { .events = events, .data.ptr = client };
  epoll_ctl(poll_fd, how, client->fd, &event);
}

static void send_bytes(struct client *client, const unsigned char *bytes, size_t size) {
  ssize_t sent = client->out.size > 0 ? 0 : send(client->fd, bytes, size, MSG_NOSIGNAL);
  if (sent < 0) sent = 0;
  if ((size_t)sent == size) return;
  if (client->out.size == 0) watch(client, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
  append(&client->out, bytes + sent, size - sent);
}

static void flush(struct client *client) {
  ssize_t sent = send(client->fd, client->out.bytes, client->out.size, MSG_NOSIGNAL);
  if (sent > 0) drop(&client->out, sent);
  if (client->out.size == 0) watch(client, EPOLL_CTL_MOD, EPOLLIN);
}

/* Writes the header of a text frame so that it ends at `end`; returns where it begins. */
static unsigned char *header(unsigned char *end, size_t size) {
  if (size < 126) {
    *--end = size;
  } else if (size < 65536) {
    for (int i = 0; i < 2; i++) *--end = size >> (8 * i);
    *--end = 126;
  } else {
    for (int i = 0; i < 8; i++) *--end = size >> (8 * i);
    *--end = 127;
  }
  *--end = 0x81;
  return end;
}

static void send_text(struct client *client, const void *text, size_t size) {
  unsigned char frame[HEADER + READ];
  memcpy(frame + HEADER, text, size);
  unsigned char *from = header(frame + HEADER, size);
  send_bytes(client, from, frame + HEADER + size - from);
}

/* Sends the messages of the turn to all. The buffer has room for a header in front. */
static void end_turn(void) {
  if (turn.size == HEADER) return;
  turn.bytes[HEADER] = '['; /* in place of the first comma */
  append(&turn, "]", 1);
  unsigned char *from = header(turn.bytes + HEADER, turn.size - HEADER);
  for (size_t i = 0; i < count; i++) {
    if (clients[i]->upgraded) send_bytes(clients[i], from, turn.bytes + turn.size - from);
  }
  turn.size = HEADER;
}

static void enter(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct client *client = calloc(1, sizeof *client);
  if (count == room) clients = realloc(clients, (room = room ? 2 * room : 64) * sizeof *clients);
  if (!client || !clients) abort();
  client->fd = fd;
  client->place = count;
  clients[count++] = client;
  watch(client, EPOLL_CTL_ADD, EPOLLIN);
}

static void leave(struct client *client) {
  close(client->fd);
  clients[client->place] = clients[--count];
  clients[client->place]->place = client->place;
  free(client->in.bytes);
  free(client->out.bytes);
  free(client);
}

static void upgrade(struct client *client) {
  static const char answer[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n";
  void *end = memmem(client->in.bytes, client->in.size, "\r\n\r\n", 4);
  if (!end) return;
  drop(&client->in, (unsigned char *)end + 4 - client->in.bytes);
  client->upgraded = 1;
  send_bytes(client, (const unsigned char *)answer, sizeof answer - 1);
  send_text(client, "ready", 5);
}

/* Reads the whole frames; returns how many bytes they have. */
static size_t read_frames(struct client *client, unsigned char *bytes, size_t size) {
  size_t at = 0;
  while (size - at >= 6) {
    size_t length = bytes[at + 1] & 127, head = 6;
    if (length == 126) {
      head = 8;
      length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
    } else if (length == 127) {
      abort(); /* a load client's frame has 65535 bytes at the most */
    }
    if (size - at < head + length) break;
    unsigned char *mask = bytes + at + head - 4, *text = bytes + at + head;
    for (size_t i = 0; i < length; i++) text[i] ^= mask[i & 3];
    if (length > 0 && text[0] == '?') {
      send_text(client, text, length);
    } else {
      append(&turn, ",", 1);
      append(&turn, text, length);
    }
    at += head + length;
  }
  return at;
}

/* Returns 0 if the client has gone. */
static int receive(struct client *client) {
  static unsigned char bytes[READ];
  ssize_t size = recv(client->fd, bytes, sizeof bytes, 0);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  if (size == 0) return 0;
  if (client->upgraded && client->in.size == 0) {
    size_t used = read_frames(client, bytes, size);
    append(&client->in, bytes + used, size - used);
    return 1;
  }
  append(&client->in, bytes, size);
  if (!client->upgraded) upgrade(client);
  if (client->upgraded) drop(&client->in, read_frames(client, client->in.bytes, client->in.size));
  return 1;
}

int main(int argc, char **argv) {
  (void)argc;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  unsigned char no_header[HEADER] = { 0 };
  append(&turn, no_header, HEADER);
  poll_fd = epoll_create1(0);
  int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {
    .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
  };
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
    perror("bind");
    return 1;
  }
  struct epoll_event accepts = { .events = EPOLLIN };
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &accepts);
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(poll_fd, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      struct client *client = events[i].data.ptr;
      if (!client) {
        for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) enter(fd);
        continue;
      }
      if (events[i].events & EPOLLOUT) flush(client);
      if (events[i].events & ~EPOLLOUT && !receive(client)) leave(client);
    }
    end_turn();
  }
}
