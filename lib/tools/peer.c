/* The client of the words that talk to a peer. */
#include "tools/peer.h"

#include "tools/command.h"
#include "tools/report.h"

enum { CLOSE_TIMEOUT_MS = 5000 };

amqpc_client *peer_connect(const char *url, int *exit_status)
{
    amqpc_client *client = NULL;
    amqpc_client_error error = {.status = AMQPC_OK};
    amqpc_client_options options;
    amqpc_client_options_init(&options, sizeof options);
    options.reconnect = false; /* who waits at a terminal wants to know */
    amqpc_status status = amqpc_client_new(url, &options, &client, &error);
    if (status == AMQPC_OK) {
        return client;
    }
    report("%s", error.text[0] != '\0' ? error.text : amqpc_status_text(status));
    bool is_usage = status == AMQPC_BAD_URL || status == AMQPC_BAD_OPTION ||
                    status == AMQPC_SASL_CLEARTEXT || status == AMQPC_UNSUPPORTED;
    *exit_status = is_usage ? EXIT_USAGE : EXIT_BAD_INPUT;
    return NULL;
}

void peer_close(amqpc_client *client)
{
    amqpc_status status = amqpc_client_close(client, CLOSE_TIMEOUT_MS);
    if (status != AMQPC_OK && status != AMQPC_INTERRUPTED) {
        report("the connection could not be closed: %s", amqpc_status_text(status));
    }
    amqpc_client_free(client);
}

int64_t peer_timeout(uint32_t seconds)
{
    return seconds == 0 ? AMQPC_FOREVER : (int64_t)seconds * 1000;
}

void peer_report(amqpc_client *client, const char *what, amqpc_status status, bool failed,
                 const amqpc_client_error *error)
{
    amqpc_client_error last;
    if (!failed && status != AMQPC_TIMED_OUT && amqpc_client_get_error(client, &last) == AMQPC_OK) {
        error = &last;
        failed = true;
    }
    if (failed && error->text[0] != '\0') {
        report("%s: %s", what, error->text);
    } else {
        report("%s: %s", what, amqpc_status_text(status));
    }
}
