// Small packets, as many as go. Built by .ci/bench.
//   generator send ADDRESS SPREAD PORTS SIZE BURST SECONDS   to SPREAD addresses from ADDRESS on, PORTS ports from PORT on
//   generator receive SIZE                                   prints "<packets> <seconds>" after a second of silence
// Each burst goes to the next address and the next port. Of one datagram, flows and tunnels alternate packet by packet,
// which is the hardest order for a router; of many, they alternate as TCP's do. The receiver has one port; its namespace
// maps the others onto it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { PORT = 7000, BATCH = 64, LARGEST = 65536 };

static char payload[LARGEST];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

static int send_all(const char *address, unsigned spread, unsigned ports, int size, int burst, double seconds) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return fail("socket");
  if (size < 1 || burst < 1 || size > LARGEST / burst) return fail("size");
  if (burst > 1 && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) != 0) return fail("UDP_SEGMENT");
  struct in_addr first;
  if (inet_pton(AF_INET, address, &first) != 1) return fail(address);
  struct sockaddr_in to[BATCH];
  struct iovec data = {payload, (size_t)size * burst};
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BATCH; i++) {
    messages[i].msg_hdr.msg_name = &to[i];
    messages[i].msg_hdr.msg_namelen = sizeof to[i];
    messages[i].msg_hdr.msg_iov = &data;
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  unsigned long sent = 0;
  unsigned turn = 0;
  for (double end = now() + seconds; now() < end;) {
    for (int i = 0; i < BATCH; i++, turn++) {
      to[i].sin_family = AF_INET;
      to[i].sin_addr.s_addr = htonl(ntohl(first.s_addr) + turn % spread);
      to[i].sin_port = htons(PORT + turn % ports);
    }
    int n = sendmmsg(fd, messages, BATCH, 0);
    if (n > 0) sent += (unsigned long)n * burst;
    else if (errno != ENOBUFS && errno != EAGAIN) return fail("sendmmsg");
  }
  printf("%lu\n", sent);
  return 0;
}

static int receive_all(size_t size) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return fail("socket");
  int room = 16 << 20, one = 1;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  // A cheap receiver leaves the processors to the routers.
  setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof one);
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  if (bind(fd, (struct sockaddr *)&here, sizeof here) != 0) return fail("bind");
  static char room_for[BATCH][LARGEST];
  struct iovec data[BATCH];
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BATCH; i++) {
    data[i] = (struct iovec){room_for[i], LARGEST};
    messages[i].msg_hdr.msg_iov = &data[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  puts("listening");
  fflush(stdout);
  unsigned long long octets = 0;
  double first = 0, last = 0;
  for (;;) {
    int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
    if (n < 0) {
      if (errno != EAGAIN) return fail("recvmmsg");
      break;
    }
    last = now();
    if (first == 0) {
      first = last;
      // Before the first packet it waits for ever, afterwards a second of silence is the end.
      struct timeval silence = {1, 0};
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
    }
    for (int i = 0; i < n; i++) octets += messages[i].msg_len;
  }
  printf("%llu %.6f\n", octets / size, last - first);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 8 && strcmp(argv[1], "send") == 0) {
    return send_all(argv[2], atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), atoi(argv[6]), atof(argv[7]));
  }
  if (argc == 3 && strcmp(argv[1], "receive") == 0) return receive_all(atoi(argv[2]));
  fputs("usage: generator send ADDRESS SPREAD PORTS SIZE BURST SECONDS | generator receive SIZE\n", stderr);
  return 2;
}
