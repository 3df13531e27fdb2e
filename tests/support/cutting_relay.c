#define _GNU_SOURCE

#include "support/cutting_relay.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS_MAX = 64 };

/* A client's socket and the one to the server. */
typedef struct relay_pair {
    int sockets[2]; /* -1: not in use */
    bool ended[2];
    bool is_cut;
    bool resets;
    uint64_t left; /* bytes until the cut */
} relay_pair;

struct cutting_relay {
    pthread_t thread;
    pthread_mutex_t mutex;
    int listener;
    int wake[2];
    uint32_t server_port;
    uint32_t port;
    uint64_t random;
    uint32_t most;
    uint32_t to_cut;
    uint32_t cuts;
    bool stops;
    bool holds;
    relay_pair pairs[PAIRS_MAX];
};

static void must(bool holds, const char *what)
{
    if (!holds) {
        perror(what);
        abort();
    }
}

static uint64_t next_random(cutting_relay *relay)
{
    relay->random ^= relay->random << 13;
    relay->random ^= relay->random >> 7;
    relay->random ^= relay->random << 17;
    return relay->random;
}

static struct sockaddr_in loopback(uint32_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void close_pair(relay_pair *pair)
{
    for (int i = 0; i < 2; i++) {
        if (pair->resets) {
            struct linger linger = {.l_onoff = 1, .l_linger = 0};
            (void)setsockopt(pair->sockets[i], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        }
        (void)close(pair->sockets[i]);
        pair->sockets[i] = -1;
    }
}

static void accept_one(cutting_relay *relay)
{
    struct sockaddr_in address = loopback(relay->server_port);
    int client = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    relay_pair *pair = relay->pairs;
    while (pair->sockets[0] >= 0) {
        pair++;
        must(pair < relay->pairs + PAIRS_MAX, "too many connections");
    }
    must(client >= 0 && server >= 0, "sockets");
    *pair = (relay_pair){.sockets = {client, server}};
    if (connect(server, (struct sockaddr *)&address, sizeof address) != 0) {
        pair->resets = true; /* the server is not there: nor is the relay, for the client */
        close_pair(pair);
        return;
    }
    if (relay->to_cut > 0) {
        relay->to_cut--;
        pair->is_cut = true;
        pair->left = 1 + next_random(relay) % relay->most;
        pair->resets = next_random(relay) % 2 == 0;
    }
}

/* What one end has sent goes to the other, up to the byte of the cut. */
static void move(cutting_relay *relay, relay_pair *pair, int from)
{
    char data[65536];
    size_t most = sizeof data;
    if (pair->is_cut && pair->left < most) {
        most = (size_t)pair->left;
    }
    ssize_t size = recv(pair->sockets[from], data, most, MSG_DONTWAIT);
    if (size > 0 && send(pair->sockets[1 - from], data, (size_t)size, MSG_NOSIGNAL) != size) {
        size = -1;
    }
    if (size > 0) {
        pair->left -= pair->is_cut ? (uint64_t)size : 0;
        if (pair->is_cut && pair->left == 0) {
            relay->cuts++;
            close_pair(pair);
        }
        return;
    }
    if (size == 0) {
        pair->ended[from] = true;
        (void)shutdown(pair->sockets[1 - from], SHUT_WR);
    }
    if (size < 0 || pair->ended[1 - from]) {
        close_pair(pair);
    }
}

/* What to wait for; gives how many. */
static nfds_t gather(const cutting_relay *relay, struct pollfd *watched, int *which)
{
    nfds_t count = 2;
    watched[0] = (struct pollfd){.fd = relay->wake[0], .events = POLLIN};
    watched[1] = (struct pollfd){.fd = relay->listener, .events = POLLIN};
    for (int i = 0; i < PAIRS_MAX && !relay->holds; i++) {
        const relay_pair *pair = &relay->pairs[i];
        for (int end = 0; end < 2 && pair->sockets[0] >= 0; end++) {
            if (!pair->ended[end]) {
                watched[count] = (struct pollfd){.fd = pair->sockets[end], .events = POLLIN};
                which[count++] = 2 * i + end;
            }
        }
    }
    return count;
}

static void step(cutting_relay *relay, const struct pollfd *watched, nfds_t count, const int *which)
{
    char bytes[64];
    if (watched[0].revents != 0) {
        must(read(relay->wake[0], bytes, sizeof bytes) > 0, "wake");
    }
    if (watched[1].revents != 0) {
        accept_one(relay);
    }
    for (nfds_t i = 2; i < count; i++) {
        relay_pair *pair = &relay->pairs[which[i] / 2];
        if (watched[i].revents != 0 && pair->sockets[which[i] % 2] == watched[i].fd) {
            move(relay, pair, which[i] % 2);
        }
    }
}

static void *run(void *context)
{
    cutting_relay *relay = (cutting_relay *)context;
    struct pollfd watched[2 * PAIRS_MAX + 2];
    int which[2 * PAIRS_MAX + 2];
    (void)pthread_mutex_lock(&relay->mutex);
    while (!relay->stops) {
        nfds_t count = gather(relay, watched, which);
        (void)pthread_mutex_unlock(&relay->mutex);
        int ready = poll(watched, count, -1);
        (void)pthread_mutex_lock(&relay->mutex);
        if (ready > 0) {
            step(relay, watched, count, which);
        }
    }
    (void)pthread_mutex_unlock(&relay->mutex);
    return NULL;
}

static void wake(const cutting_relay *relay)
{
    must(write(relay->wake[1], "", 1) == 1, "wake");
}

cutting_relay *cutting_relay_start(uint32_t port)
{
    cutting_relay *relay = (cutting_relay *)calloc(1, sizeof *relay);
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    must(relay != NULL, "memory");
    relay->server_port = port;
    relay->random = 1;
    for (int i = 0; i < PAIRS_MAX; i++) {
        relay->pairs[i].sockets[0] = -1;
    }
    relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(relay->listener >= 0 && pipe(relay->wake) == 0 &&
             bind(relay->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
             listen(relay->listener, 64) == 0 &&
             getsockname(relay->listener, (struct sockaddr *)&address, &size) == 0,
         "listen");
    relay->port = ntohs(address.sin_port);
    (void)pthread_mutex_init(&relay->mutex, NULL);
    must(pthread_create(&relay->thread, NULL, run, relay) == 0, "thread");
    return relay;
}

void cutting_relay_stop(cutting_relay *relay)
{
    (void)pthread_mutex_lock(&relay->mutex);
    relay->stops = true;
    wake(relay);
    (void)pthread_mutex_unlock(&relay->mutex);
    (void)pthread_join(relay->thread, NULL);
    for (int i = 0; i < PAIRS_MAX; i++) {
        if (relay->pairs[i].sockets[0] >= 0) {
            close_pair(&relay->pairs[i]);
        }
    }
    (void)close(relay->listener);
    (void)close(relay->wake[0]);
    (void)close(relay->wake[1]);
    (void)pthread_mutex_destroy(&relay->mutex);
    free(relay);
}

uint32_t cutting_relay_port(const cutting_relay *relay)
{
    return relay->port;
}

void cutting_relay_cut(cutting_relay *relay, uint64_t seed, uint32_t most, uint32_t count)
{
    (void)pthread_mutex_lock(&relay->mutex);
    relay->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    relay->most = most;
    relay->to_cut = count;
    (void)pthread_mutex_unlock(&relay->mutex);
}

uint32_t cutting_relay_cuts(cutting_relay *relay)
{
    (void)pthread_mutex_lock(&relay->mutex);
    uint32_t cuts = relay->cuts;
    (void)pthread_mutex_unlock(&relay->mutex);
    return cuts;
}

void cutting_relay_hold(cutting_relay *relay, bool holds)
{
    (void)pthread_mutex_lock(&relay->mutex);
    relay->holds = holds;
    wake(relay);
    (void)pthread_mutex_unlock(&relay->mutex);
}
