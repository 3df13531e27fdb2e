/* The mechanisms, and when they may be used. */
#include "engine/sasl_mechanism.h"

#include <string.h>

#include "engine/sasl_hash.h"
#include "engine/sasl_object.h"

enum { NAME_SIZE_MAX = 20 };

#define SCRAM_CLIENT                                                                               \
    {                                                                                              \
        amqpci_scram_start, amqpci_scram_step, amqpci_scram_end                                    \
    }

/* The order is that of strength, and a client's order of choice. */
static const amqpci_sasl_mechanism mechanisms[] = {
    {.name = "SCRAM-SHA-512",
     .hash = 512,
     .needs_user = true,
     .needs_password = true,
     .by_default = true,
     .client = SCRAM_CLIENT,
     .server_step = amqpci_scram_server_step},
    {.name = "SCRAM-SHA-256",
     .hash = 256,
     .needs_user = true,
     .needs_password = true,
     .by_default = true,
     .client = SCRAM_CLIENT,
     .server_step = amqpci_scram_server_step},
    {.name = "SCRAM-SHA-1",
     .hash = 1,
     .needs_user = true,
     .needs_password = true,
     .by_default = true,
     .client = SCRAM_CLIENT,
     .server_step = amqpci_scram_server_step},
    {.name = "PLAIN",
     .clear_text = true,
     .needs_user = true,
     .needs_password = true,
     .by_default = true,
     .client = {amqpci_plain_start, amqpci_single_step, NULL},
     .server_step = amqpci_plain_server_step},
    {.name = "OAUTHBEARER",
     .clear_text = true,
     .needs_token = true,
     .by_default = true,
     .client = {amqpci_oauthbearer_start, amqpci_oauthbearer_step, amqpci_token_end},
     .server_step = amqpci_oauthbearer_server_step},
    {.name = "XOAUTH2",
     .clear_text = true,
     .needs_user = true,
     .needs_token = true,
     .by_default = true,
     .client = {amqpci_xoauth2_start, amqpci_xoauth2_step, amqpci_token_end},
     .server_step = amqpci_xoauth2_server_step},
    {.name = "EXTERNAL",
     .client = {amqpci_external_start, amqpci_external_step, NULL},
     .server_step = amqpci_external_server_step},
    {.name = "ANONYMOUS",
     .by_default = true,
     .without_credentials = true,
     .starts_empty = true,
     .client = {amqpci_anonymous_start, amqpci_single_step, NULL},
     .server_step = amqpci_anonymous_server_step},
};

const amqpci_sasl_mechanism *amqpci_sasl_mechanism_at(size_t index)
{
    return index < sizeof mechanisms / sizeof *mechanisms ? &mechanisms[index] : NULL;
}

const amqpci_sasl_mechanism *amqpci_sasl_mechanism_find(amqpc_bytes name)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        if (amqpci_bytes_equal(name, amqpci_text(mechanisms[i].name))) {
            return &mechanisms[i];
        }
    }
    return NULL;
}

amqpc_status amqpci_sasl_mechanism_allowed(const amqpci_sasl *sasl,
                                           const amqpci_sasl_mechanism *mechanism)
{
    const amqpc_sasl_options *options = &sasl->options;
    if (mechanism == NULL) {
        return AMQPC_OK;
    }
    if (mechanism->hash != 0 && !amqpci_hash_available()) {
        return AMQPC_SASL_NO_MECHANISM;
    }
    if (!sasl->server) {
        bool credentials =
            options->user.size > 0 || options->password.size > 0 || options->token.size > 0;
        bool named = options->mechanisms.size > 0;
        if ((mechanism->needs_user && options->user.size == 0) ||
            (mechanism->needs_password && options->password.size == 0) ||
            (mechanism->needs_token && options->token.size == 0) ||
            (!named && !mechanism->by_default) ||
            (!named && mechanism->without_credentials && credentials)) {
            return AMQPC_SASL_NO_MECHANISM;
        }
    }
    bool shown = mechanism->clear_text && !sasl->is_protected && !options->allow_plain_cleartext;
    return shown ? AMQPC_SASL_CLEARTEXT : AMQPC_OK;
}

bool amqpci_sasl_next_name(amqpc_bytes *list, amqpc_bytes *name)
{
    if (list->size == 0) {
        return false;
    }
    const char *text = (const char *)list->data;
    const char *space = (const char *)memchr(text, ' ', list->size);
    size_t size = space == NULL ? list->size : (size_t)(space - text);
    size_t taken = size + (space != NULL);
    *name = (amqpc_bytes){text, size};
    *list = (amqpc_bytes){text + taken, list->size - taken};
    return true;
}

static bool is_name(amqpc_bytes name)
{
    const char *text = (const char *)name.data;
    for (size_t i = 0; i < name.size; i++) {
        char character = text[i];
        if (!((character >= 'A' && character <= 'Z') || (character >= '0' && character <= '9') ||
              character == '-' || character == '_')) {
            return false;
        }
    }
    return name.size > 0 && name.size <= NAME_SIZE_MAX;
}

bool amqpci_sasl_are_names(amqpc_bytes list)
{
    amqpc_bytes name;
    if (list.size > 0 && ((const char *)list.data)[list.size - 1] == ' ') {
        return false;
    }
    while (amqpci_sasl_next_name(&list, &name)) {
        if (!is_name(name)) {
            return false;
        }
    }
    return true;
}
