/* A proxy on the loopback interface that treats connections as bad networks do.
 *
 *     fault_proxy PORT SEED INTERVAL_MS
 *
 * It prints the port that it listens at, and relays to PORT of 127.0.0.1. Each connection has its
 * weather, which changes all the time: bytes pass, or one at a time, or late, or not at all. And
 * each is cut about INTERVAL_MS after it was made, after a number of bytes that the seed decides:
 * by a reset, in order, or so that neither end hears of it (a half-open connection), in which case
 * it is reset long after.
 *
 * A line on standard input ends all faults: what is held moves, half-open connections are reset.
 * The end of standard input ends the program, which prints what it did, as JSON. */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PAIRS_MAX = 64,
    BUFFER_SIZE = 65536,
    CUT_BYTES_MOST = 16384, /* from the time of the cut on */
    CUT_PATIENCE_MS = 1000, /* a connection that is silent is cut all the same */
    PIECES_MOST = 2000,     /* bytes that go one at a time, in one spell */
    DELAY_MOST_MS = 20,
    WEATHER_LEAST_MS = 100,
    WEATHER_MOST_MS = 1200,
};

typedef enum weather { WEATHER_CLEAR, WEATHER_PIECES, WEATHER_DELAYS, WEATHER_STALL } weather;

typedef enum cut { CUT_RESET, CUT_END, CUT_SILENT, CUT_KINDS } cut;

/* Bytes from one end to the other. */
typedef struct direction {
    uint8_t data[BUFFER_SIZE];
    size_t start;
    size_t size;
    uint64_t not_before_ms;
    bool ended; /* its source has */
} direction;

typedef struct pair {
    int sockets[2];     /* the client's, and the one to the server; -1: not in use */
    direction *ways[2]; /* from each */
    weather now;
    uint64_t weather_until_ms;
    uint32_t pieces_left;
    uint64_t cut_at_ms;
    uint64_t cut_bytes; /* left until the cut, once its time has come; counts both directions */
    bool is_silent;
    uint64_t silent_until_ms;
} pair;

typedef struct proxy {
    int listener;
    uint32_t server_port;
    uint64_t random;
    uint64_t interval_ms;
    uint64_t now_ms;
    bool calm;
    uint64_t connections;
    uint64_t cuts[CUT_KINDS];
    uint64_t stalls;
    uint64_t pieces;
    uint64_t bytes;
    pair pairs[PAIRS_MAX];
} proxy;

static void must(bool holds, const char *what)
{
    if (!holds) {
        perror(what);
        exit(1);
    }
}

static uint64_t clock_ms(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* From `least` to `most`. */
static uint64_t choose(proxy *self, uint64_t least, uint64_t most)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return least + self->random % (most - least + 1);
}

static struct sockaddr_in loopback(uint32_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* --- Weather. */

static void change_weather(proxy *self, pair *at)
{
    uint64_t die = choose(self, 1, 100);
    at->now = self->calm || die <= 55 ? WEATHER_CLEAR
              : die <= 70             ? WEATHER_PIECES
              : die <= 88             ? WEATHER_DELAYS
                                      : WEATHER_STALL;
    at->weather_until_ms = self->now_ms + choose(self, WEATHER_LEAST_MS, WEATHER_MOST_MS);
    at->pieces_left = (uint32_t)choose(self, 1, PIECES_MOST);
    self->stalls += at->now == WEATHER_STALL;
}

static void close_pair(pair *at, bool resets)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};
    for (int i = 0; i < 2; i++) {
        if (resets) {
            (void)setsockopt(at->sockets[i], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        }
        (void)close(at->sockets[i]);
        at->sockets[i] = -1;
        free(at->ways[i]);
        at->ways[i] = NULL;
    }
}

static void cut_pair(proxy *self, pair *at)
{
    cut kind = (cut)choose(self, 0, CUT_KINDS - 1);
    self->cuts[kind]++;
    if (kind == CUT_SILENT) {
        at->is_silent = true;
        at->silent_until_ms = self->now_ms + 3 * self->interval_ms;
        return;
    }
    close_pair(at, kind == CUT_RESET);
}

/* What the time does to a connection, without a byte. */
static void age(proxy *self, pair *at)
{
    if (at->is_silent) {
        if (self->calm || self->now_ms >= at->silent_until_ms) {
            close_pair(at, true);
        }
        return;
    }
    if (self->calm) {
        at->now = WEATHER_CLEAR;
        return;
    }
    if (self->now_ms >= at->weather_until_ms) {
        change_weather(self, at);
    }
    if (self->now_ms >= at->cut_at_ms + CUT_PATIENCE_MS) {
        cut_pair(self, at);
    }
}

/* --- Bytes. */

/* How many of the bytes that wait may go now. */
static size_t allowance(const proxy *self, const pair *at, const direction *way)
{
    if (at->now == WEATHER_STALL || self->now_ms < way->not_before_ms) {
        return 0;
    }
    size_t most = way->size - way->start;
    bool in_pieces = at->now == WEATHER_PIECES && at->pieces_left > 0;
    most = in_pieces && most > 1 ? 1 : most;
    bool ends = !self->calm && self->now_ms >= at->cut_at_ms;
    return ends && most > at->cut_bytes ? (size_t)at->cut_bytes : most;
}

/* Returns false where the pair is gone, or cannot send more. */
static bool send_once(proxy *self, pair *at, int from)
{
    direction *way = at->ways[from];
    size_t most = allowance(self, at, way);
    if (most == 0) {
        return false;
    }
    ssize_t sent = send(at->sockets[1 - from], way->data + way->start, most, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN) {
            close_pair(at, true);
        }
        return false;
    }
    way->start += (size_t)sent;
    self->bytes += (uint64_t)sent;
    if (at->now == WEATHER_PIECES && at->pieces_left > 0) {
        at->pieces_left--;
        self->pieces++;
    }
    if (at->now == WEATHER_DELAYS) {
        way->not_before_ms = self->now_ms + choose(self, 1, DELAY_MOST_MS);
    }
    if (self->now_ms >= at->cut_at_ms && !self->calm) {
        at->cut_bytes -= (uint64_t)sent;
        if (at->cut_bytes == 0) {
            cut_pair(self, at);
            return false;
        }
    }
    return way->start < way->size;
}

static void move_out(proxy *self, pair *at, int from)
{
    while (send_once(self, at, from)) {
    }
    direction *way = at->ways[from];
    if (way == NULL || at->is_silent || way->start < way->size) {
        return;
    }
    way->start = 0;
    way->size = 0;
    if (way->ended) {
        (void)shutdown(at->sockets[1 - from], SHUT_WR);
        if (at->ways[1 - from]->ended && at->ways[1 - from]->size == 0) {
            close_pair(at, false);
        }
    }
}

/* The source has something to say, or has gone. */
static void move_in(pair *at, int from)
{
    direction *way = at->ways[from];
    if (way == NULL || way->size == BUFFER_SIZE || way->ended) {
        return;
    }
    ssize_t got = recv(at->sockets[from], way->data + way->size, BUFFER_SIZE - way->size, 0);
    if (got > 0) {
        way->size += (size_t)got;
    } else if (got == 0) {
        way->ended = true;
    } else if (errno != EAGAIN) {
        close_pair(at, true);
    }
}

static void accept_one(proxy *self)
{
    struct sockaddr_in address = loopback(self->server_port);
    int sockets[2] = {accept4(self->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK),
                      socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    pair *free_place = NULL;
    for (pair *at = self->pairs; at < self->pairs + PAIRS_MAX && free_place == NULL; at++) {
        free_place = at->sockets[0] < 0 ? at : NULL;
    }
    must(sockets[1] >= 0, "socket");
    if (sockets[0] < 0 || free_place == NULL ||
        connect(sockets[1], (struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(sockets[0]);
        (void)close(sockets[1]);
        return;
    }
    *free_place = (pair){
        .cut_at_ms = self->now_ms + choose(self, self->interval_ms / 2, self->interval_ms * 3 / 2),
        .cut_bytes = choose(self, 1, CUT_BYTES_MOST)};
    for (int i = 0; i < 2; i++) {
        const int on = 1;
        (void)setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        free_place->sockets[i] = sockets[i];
        free_place->ways[i] = calloc(1, sizeof *free_place->ways[i]);
        must(free_place->ways[i] != NULL, "memory");
    }
    self->connections++;
}

/* --- The loop. */

/* Tells poll what to wait for; returns after how many milliseconds to look again. */
static int watch(const proxy *self, struct pollfd *polled)
{
    int patience_ms = 50;
    for (const pair *at = self->pairs; at < self->pairs + PAIRS_MAX; at++, polled += 2) {
        for (int i = 0; i < 2; i++) {
            polled[i] = (struct pollfd){.fd = -1};
            if (at->sockets[0] < 0 || at->is_silent) {
                continue;
            }
            const direction *in = at->ways[i];
            const direction *out = at->ways[1 - i];
            bool waits = out->start < out->size;
            bool goes = waits && allowance(self, at, out) > 0;
            int events = (in->size < BUFFER_SIZE && !in->ended ? POLLIN : 0) | (goes ? POLLOUT : 0);
            if (events != 0) {
                polled[i] = (struct pollfd){.fd = at->sockets[i], .events = (short)events};
            }
            patience_ms = waits && !goes ? 1 : patience_ms;
        }
    }
    return patience_ms;
}

static void serve(proxy *self, pair *at, const struct pollfd *polled)
{
    for (int i = 0; i < 2; i++) {
        bool hears = polled[i].fd >= 0 && (polled[i].revents & ~POLLOUT) != 0;
        if (hears && at->sockets[0] >= 0) {
            move_in(at, i);
        }
    }
    for (int i = 0; i < 2; i++) {
        if (at->sockets[0] >= 0 && !at->is_silent) {
            move_out(self, at, i);
        }
    }
    if (at->sockets[0] >= 0) {
        age(self, at);
    }
}

/* Returns false at the end of standard input. */
static bool hear(proxy *self, const struct pollfd *polled)
{
    char line[64];
    if (polled->revents == 0) {
        return true;
    }
    if (read(STDIN_FILENO, line, sizeof line) <= 0) {
        return false;
    }
    self->calm = true;
    return true;
}

static void run(proxy *self)
{
    struct pollfd polled[2 + 2 * PAIRS_MAX];
    do {
        self->now_ms = clock_ms();
        polled[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
        polled[1] = (struct pollfd){.fd = self->listener, .events = POLLIN};
        int patience_ms = watch(self, polled + 2);
        (void)poll(polled, sizeof polled / sizeof polled[0], patience_ms);
        self->now_ms = clock_ms();
        for (int i = 0; i < PAIRS_MAX; i++) {
            if (self->pairs[i].sockets[0] >= 0) {
                serve(self, &self->pairs[i], &polled[2 + 2 * i]);
            }
        }
        if (polled[1].revents != 0) {
            accept_one(self);
        }
    } while (hear(self, polled));
}

int main(int argument_count, char **arguments)
{
    static proxy self;
    if (argument_count != 4) {
        (void)fprintf(stderr, "usage: fault_proxy PORT SEED INTERVAL_MS\n");
        return 2;
    }
    self.server_port = (uint32_t)strtoul(arguments[1], NULL, 10);
    self.random = strtoull(arguments[2], NULL, 10) * 0x9E3779B97F4A7C15u + 1;
    self.interval_ms = strtoull(arguments[3], NULL, 10);
    for (pair *at = self.pairs; at < self.pairs + PAIRS_MAX; at++) {
        at->sockets[0] = -1;
    }
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    self.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    must(self.listener >= 0, "socket");
    must(bind(self.listener, (struct sockaddr *)&address, size) == 0, "bind");
    must(listen(self.listener, 64) == 0, "listen");
    must(getsockname(self.listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
    (void)printf("%u\n", (unsigned)ntohs(address.sin_port));
    (void)fflush(stdout);
    run(&self);
    (void)printf("{\"connections\": %" PRIu64 ", \"resets\": %" PRIu64 ", \"ends\": %" PRIu64
                 ", \"silences\": %" PRIu64 ", \"stalls\": %" PRIu64 ", \"pieces\": %" PRIu64
                 ", \"bytes\": %" PRIu64 "}\n",
                 self.connections, self.cuts[CUT_RESET], self.cuts[CUT_END], self.cuts[CUT_SILENT],
                 self.stalls, self.pieces, self.bytes);
    return 0;
}
