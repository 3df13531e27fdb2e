/* The broker behind sockets: listeners, the rounds of a poller, signals, and an orderly end. */
#ifndef AMQPCODEC_TOOLS_BROKER_SERVER_H
#define AMQPCODEC_TOOLS_BROKER_SERVER_H

#include "tools/broker/broker.h"

/* Where to listen, and how to end.
 *
 * host, port        of TCP; port 0 for a free one
 * unix_path         a Unix socket beside it; NULL for none
 * no_tcp            only that
 * certificate, key  of TLS on TCP, files in PEM; NULL for clear text; key NULL: it is in the file
 *                   of the certificate
 * ca                whom client certificates have to come from, which are demanded then; NULL for
 *                   none
 * connections       at a time, at most
 * stop_timeout_ms   how long the end waits for receivers, and again for connections to close
 * stop_at_eof       the end of standard input ends it, as SIGTERM does
 * json              statistics are one line of JSON */
typedef struct broker_server_options {
    const char *host;
    uint32_t port;
    const char *unix_path;
    bool no_tcp;
    const char *certificate;
    const char *key;
    const char *key_password;
    const char *ca;
    uint32_t connections;
    uint32_t stop_timeout_ms;
    bool stop_at_eof;
    bool json;
} broker_server_options;

/* Serves until SIGINT or SIGTERM, and prints where it listens and, at the end and at SIGUSR1,
 * statistics to standard output. Failures are reported. Returns whether all went well. */
bool broker_serve(struct broker *broker, const broker_server_options *options);

#endif
