/* `amqpcodec broker`: an embedded broker for development and tests. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "tools/broker/broker_server.h"
#include "tools/command.h"
#include "tools/options.h"
#include "tools/report.h"

#define PORT_UNSET UINT32_MAX

enum { HOST_MAX = 256, DEFAULT_PORT = 5672, DEFAULT_TLS_PORT = 5671 };

/* The options, as the command line sets them. */
typedef struct broker_arguments {
    const char *listen;
    uint32_t port;
    const char *unix_path;
    bool no_tcp;
    const char *certificate;
    const char *key;
    const char *key_password;
    const char *ca;
    option_texts users;
    bool plain_cleartext;
    const char *container_id;
    uint64_t memory;
    uint64_t queue_memory;
    uint64_t message_size;
    uint32_t credit;
    uint32_t queues;
    uint32_t links;
    uint32_t connections;
    uint32_t idle_timeout_s;
    uint32_t stop_timeout_ms;
    bool stop_at_eof;
    bool json;
    bool help;
} broker_arguments;

#define ROW(name, argument, kind, member, minimum, maximum, help)                                  \
    {                                                                                              \
        name, argument, kind, offsetof(broker_arguments, member), minimum, maximum, help           \
    }

static const option_row rows[] = {
    ROW("listen", "HOST:PORT", OPTION_TEXT, listen, 0, 0,
        "Listen at this address of the machine; default 127.0.0.1:5672,\n"
        "with --certificate port 5671."),
    ROW("port", "N", OPTION_NUMBER, port, 0, 65535, "Listen at this port; 0 for any that is free."),
    ROW("unix", "PATH", OPTION_TEXT, unix_path, 0, 0,
        "Listen at a Unix socket, too; @NAME for an abstract one."),
    ROW("no-tcp", NULL, OPTION_FLAG, no_tcp, 0, 0, "Listen at the Unix socket only."),
    ROW("certificate", "FILE", OPTION_TEXT, certificate, 0, 0,
        "Speak TLS over TCP, with this certificate (PEM)."),
    ROW("key", "FILE", OPTION_TEXT, key, 0, 0,
        "Its private key; default: it is in the file of the certificate."),
    ROW("key-password", "TEXT", OPTION_TEXT, key_password, 0, 0, "The password of the key."),
    ROW("ca", "FILE", OPTION_TEXT, ca, 0, 0,
        "Demand certificates of clients, from these authorities (PEM). SASL EXTERNAL is offered."),
    ROW("user", "NAME:PASSWORD", OPTION_TEXTS, users, 0, 0,
        "A user who may come in, by SASL PLAIN and SCRAM; may be given several times.\n"
        "Without users anybody may."),
    ROW("plain-cleartext", NULL, OPTION_FLAG, plain_cleartext, 0, 0,
        "Offer PLAIN without TLS though not only this machine can connect."),
    ROW("container-id", "NAME", OPTION_TEXT, container_id, 0, 0,
        "The broker's name; default amqpcodec-broker."),
    ROW("memory", "BYTES", OPTION_SIZE, memory, 65536, 0,
        "What all messages may take; then senders get no credit. Default 1G."),
    ROW("queue-memory", "BYTES", OPTION_SIZE, queue_memory, 4096, 0,
        "What the messages of one queue may take. Default 256M."),
    ROW("max-message-size", "BYTES", OPTION_SIZE, message_size, 512, 2147483648u,
        "Refuse larger messages. Default 64M."),
    ROW("credit", "N", OPTION_NUMBER, credit, 1, 1000000,
        "How many messages a sender may be ahead, of receivers that keep up\n"
        "where the queue has any. Default 4096."),
    ROW("queues", "N", OPTION_NUMBER, queues, 1, 10000000, "How many there may be. Default 10000."),
    ROW("links", "N", OPTION_NUMBER, links, 1, 10000000,
        "How many there may be, suspended ones included. Default 100000."),
    ROW("connections", "N", OPTION_NUMBER, connections, 1, 10000000,
        "How many there may be at a time. Default 20000."),
    ROW("idle-timeout", "SECONDS", OPTION_NUMBER, idle_timeout_s, 0, 4000000,
        "Drop connections that are silent for longer; 0 never. Default 120."),
    ROW("stop-timeout", "MILLISECONDS", OPTION_NUMBER, stop_timeout_ms, 0, 3600000,
        "How long the end waits for receivers that still take messages, and\n"
        "for connections to close. Default 2000."),
    ROW("stop-at-eof", NULL, OPTION_FLAG, stop_at_eof, 0, 0,
        "Stop when standard input ends: with whoever holds its other end."),
    ROW("json", NULL, OPTION_FLAG, json, 0, 0, "Print statistics as JSON, one line."),
    ROW("help", NULL, OPTION_FLAG, help, 0, 0, "Print this help."),
};

static const option_table table = {"broker", rows, sizeof rows / sizeof rows[0]};

static void print_help(void)
{
    printf(
        "Usage: amqpcodec broker [OPTION...]\n"
        "\n"
        "An AMQP 1.0 broker in memory, for development and tests. Queues are made when links are\n"
        "attached. It prints where it listens, serves until SIGINT or SIGTERM, and prints\n"
        "statistics then and at SIGUSR1.\n"
        "\n");
    options_print_help(&table);
}

/* HOST:PORT, [ADDRESS]:PORT, or either alone. Returns false where it is none. */
static bool parse_listen(const char *text, char host[HOST_MAX], uint32_t *port)
{
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[';
    const char *close = strchr(text, ']');
    if (bracketed && (close == NULL || (close[1] != ':' && close[1] != '\0'))) {
        return false;
    }
    if (bracketed) {
        colon = close[1] == ':' ? close + 1 : NULL;
    } else if (colon != NULL && strchr(text, ':') != colon) {
        colon = NULL; /* an address of IPv6 without brackets */
    }
    const char *start = bracketed ? text + 1 : text;
    const char *end = bracketed ? close : colon == NULL ? text + strlen(text) : colon;
    if (end == start || (size_t)(end - start) >= HOST_MAX) {
        return false;
    }
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    if (colon == NULL) {
        return true;
    }
    char *rest = NULL;
    unsigned long number = strtoul(colon + 1, &rest, 10);
    *port = (uint32_t)number;
    return colon[1] >= '0' && colon[1] <= '9' && *rest == '\0' && number <= 65535;
}

/* Whether only this machine can connect. */
static bool is_loopback(const char *host)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    return strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

static bool set_server_options(const broker_arguments *arguments, broker_server_options *server,
                               char host[HOST_MAX])
{
    uint32_t port = arguments->certificate == NULL ? DEFAULT_PORT : DEFAULT_TLS_PORT;
    (void)snprintf(host, HOST_MAX, "127.0.0.1");
    if (arguments->listen != NULL && !parse_listen(arguments->listen, host, &port)) {
        report("--listen wants HOST:PORT, not '%s'", arguments->listen);
        return false;
    }
    bool wrong =
        arguments->certificate == NULL && (arguments->key != NULL || arguments->ca != NULL);
    if (wrong) {
        report("--key and --ca want a --certificate");
        return false;
    }
    if (arguments->no_tcp && arguments->unix_path == NULL) {
        report("--no-tcp wants --unix");
        return false;
    }
    *server = (broker_server_options){
        .host = host,
        .port = arguments->port == PORT_UNSET ? port : arguments->port,
        .unix_path = arguments->unix_path,
        .no_tcp = arguments->no_tcp,
        .certificate = arguments->certificate,
        .key = arguments->key,
        .key_password = arguments->key_password,
        .ca = arguments->ca,
        .connections = arguments->connections,
        .stop_timeout_ms = arguments->stop_timeout_ms,
        .stop_at_eof = arguments->stop_at_eof,
        .json = arguments->json,
    };
    return true;
}

static bool set_broker_options(const broker_arguments *arguments, const char *host,
                               broker_options *options)
{
    broker_options_init(options);
    options->memory = arguments->memory;
    options->queue_memory = arguments->queue_memory;
    options->message_size = arguments->message_size;
    options->credit = arguments->credit;
    options->queues = arguments->queues;
    options->links = arguments->links;
    options->idle_timeout_ms = arguments->idle_timeout_s * 1000;
    options->container_id = (amqpc_bytes){arguments->container_id, strlen(arguments->container_id)};
    options->allow_plain_cleartext = arguments->plain_cleartext || is_loopback(host);
    options->allow_external = arguments->ca != NULL;
    ssize_t size = getrandom(options->secret, sizeof options->secret, 0);
    if (size != (ssize_t)sizeof options->secret) {
        report("the system gives no random bytes");
        return false;
    }
    return true;
}

static int serve(const broker_arguments *arguments)
{
    char host[HOST_MAX];
    broker_options options;
    broker_server_options server;
    if (!set_server_options(arguments, &server, host)) {
        return EXIT_USAGE;
    }
    if (!set_broker_options(arguments, host, &options)) {
        return EXIT_BAD_INPUT;
    }
    struct broker *broker = broker_new(&options);
    if (broker == NULL) {
        report_no_memory();
    }
    for (uint32_t i = 0; i < arguments->users.count; i++) {
        if (!broker_users_add(&broker->users, &broker->allocator, arguments->users.items[i])) {
            report("--user wants NAME:PASSWORD");
            broker_free(broker);
            return EXIT_USAGE;
        }
    }
    bool well = broker_serve(broker, &server);
    broker_free(broker);
    return well ? EXIT_GOOD : EXIT_BAD_INPUT;
}

int broker_command(int argc, char **argv)
{
    broker_options defaults;
    broker_options_init(&defaults);
    broker_arguments arguments = {
        .port = PORT_UNSET,
        .container_id = "amqpcodec-broker",
        .memory = defaults.memory,
        .queue_memory = defaults.queue_memory,
        .message_size = defaults.message_size,
        .credit = defaults.credit,
        .queues = defaults.queues,
        .links = defaults.links,
        .connections = 20000,
        .idle_timeout_s = defaults.idle_timeout_ms / 1000,
        .stop_timeout_ms = 2000,
    };
    if (options_parse(&table, argc, argv, &arguments, NULL, 0) < 0) {
        return EXIT_USAGE;
    }
    if (arguments.help) {
        print_help();
        return report_finish(EXIT_GOOD);
    }
    return serve(&arguments);
}
