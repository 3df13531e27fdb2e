/* What a client goes by: its URL and its options, checked and copied. */
#ifndef AMQPCI_CLIENT_SETTINGS_H
#define AMQPCI_CLIENT_SETTINGS_H

#include <amqpcodec/client.h>

#include "engine/sasl_secret.h"

/* One of the hosts that the URL names.
 *
 * host                   a name or an address, without brackets; NULL for a Unix socket
 * unix_path              with '@' first for an abstract name; NULL for TCP
 * port                   1 to 65,535; 0 for a Unix socket
 * tls                    amqps
 * hostname               of open and sasl-init: the option, or the host; NULL for a Unix socket
 * user, password         NULL for none
 * allow_plain_cleartext  of amqpc_sasl_options: the option says so, or the host is this machine */
typedef struct amqpci_host {
    const char *host;
    const char *unix_path;
    const char *hostname;
    const char *user;
    const char *password;
    uint32_t port;
    bool tls;
    bool allow_plain_cleartext;
} amqpci_host;

/* options  what the URL and the program say, and the defaults; texts that nobody says are NULL.
 *          user and password are those of the hosts, not here; mechanisms are in their right
 *          spelling
 * hosts    one or more, in the order of the URL
 * texts    all texts, which are wiped in the end */
typedef struct amqpci_settings {
    amqpc_allocator allocator;
    amqpc_client_options options;
    amqpci_host *hosts;
    size_t host_count;
    bool any_tls;
    amqpci_secret texts;
    size_t texts_used;
} amqpci_settings;

/* Makes settings of a URL, and of options as amqpc_client_new takes them.
 *
 * allocator  of the client; copied
 * error      may be NULL; on failure receives its status and a text, which never has a password, a
 *            token or a part of one in it
 *
 * Returns AMQPC_OK; AMQPC_NO_MEMORY, AMQPC_BAD_URL, AMQPC_BAD_OPTION, AMQPC_SASL_CLEARTEXT,
 * AMQPC_UNSUPPORTED. */
AMQPC_CHECK amqpc_status amqpci_settings_new(const amqpc_allocator *allocator, const char *url,
                                             const amqpc_client_options *options,
                                             amqpci_settings **settings, amqpc_client_error *error);

/* Wipes and frees them. NULL is ignored. */
void amqpci_settings_free(amqpci_settings *settings);

#endif
