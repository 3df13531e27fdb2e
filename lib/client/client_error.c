/* Why something has ended, in words and in codes; and whether trying again could help. */
#include <stdio.h>
#include <string.h>

#include "client/client.h"

/* Copies as much as there is room for, and never half a character of UTF-8. */
static void copy_text(char *to, size_t capacity, amqpc_bytes from)
{
    size_t size = from.size < capacity - 1 ? from.size : capacity - 1;
    const char *data = (const char *)from.data;
    while (size > 0 && size < from.size && ((unsigned char)data[size] & 0xc0) == 0x80) {
        size--;
    }
    if (size > 0) {
        memcpy(to, data, size);
    }
    to[size] = '\0';
}

static void append(char *text, size_t capacity, const char *part)
{
    size_t used = strlen(text);
    if (part == NULL || part[0] == '\0' || used + 2 >= capacity) {
        return;
    }
    if (used > 0) {
        memcpy(text + used, ": ", 3);
        used += 2;
    }
    copy_text(text + used, capacity - used, (amqpc_bytes){part, strlen(part)});
}

void amqpci_client_error_set(amqpc_client_error *error, amqpc_status status, const char *place,
                             const char *detail)
{
    memset(error, 0, sizeof *error);
    error->status = status;
    append(error->text, sizeof error->text, place);
    append(error->text, sizeof error->text, detail);
    const char *words = amqpc_status_text(status);
    if (detail == NULL ||
        strstr(detail, words) == NULL) { /* a transport without a reason has them */
        append(error->text, sizeof error->text, words);
    }
}

/* A text of the map of details that a redirect comes with (AMQP 2.8.16, 2.8.17). */
static void copy_detail(const amqpc_value *info, const char *key, char *to, size_t capacity)
{
    amqpc_value value;
    if (amqpc_map_get(info, key, strlen(key), &value) == AMQPC_OK &&
        (value.type == AMQPC_TYPE_STRING || value.type == AMQPC_TYPE_SYMBOL)) {
        copy_text(to, capacity, value.as.bytes);
    }
}

static uint32_t port_of(const amqpc_value *info)
{
    amqpc_value value;
    if (amqpc_map_get(info, "port", 4, &value) != AMQPC_OK) {
        return 0;
    }
    bool is_unsigned = value.type >= AMQPC_TYPE_UBYTE && value.type <= AMQPC_TYPE_ULONG;
    bool is_signed = value.type >= AMQPC_TYPE_BYTE && value.type <= AMQPC_TYPE_LONG;
    bool fits = (is_unsigned && value.as.u64 <= UINT16_MAX) ||
                (is_signed && value.as.i64 >= 0 && value.as.i64 <= UINT16_MAX);
    if (!fits) {
        return 0;
    }
    return is_unsigned ? (uint32_t)value.as.u64 : (uint32_t)value.as.i64;
}

static bool is_redirect(const char *condition)
{
    return strcmp(condition, "amqp:connection:redirect") == 0 ||
           strcmp(condition, "amqp:link:redirect") == 0;
}

void amqpci_client_error_of_peer(amqpc_client_error *error, amqpc_status status, const char *place,
                                 const amqpc_error *said)
{
    char description[256] = "";
    char condition[sizeof error->condition];
    copy_text(condition, sizeof condition, said->condition);
    if (said->present & AMQPC_ERROR_DESCRIPTION) {
        copy_text(description, sizeof description, said->description);
    }
    bool redirects = is_redirect(condition);
    status = redirects ? AMQPC_REDIRECTED : status;
    memset(error, 0, sizeof *error);
    error->status = status;
    memcpy(error->condition, condition, sizeof condition);
    append(error->text, sizeof error->text, place);
    append(error->text, sizeof error->text, amqpc_status_text(status));
    append(error->text, sizeof error->text, condition);
    append(error->text, sizeof error->text, description);
    if (!redirects || !(said->present & AMQPC_ERROR_INFO) || said->info.type != AMQPC_TYPE_MAP) {
        return;
    }
    copy_detail(&said->info, "hostname", error->redirect_host, sizeof error->redirect_host);
    copy_detail(&said->info, "network-host", error->redirect_host, sizeof error->redirect_host);
    copy_detail(&said->info, "address", error->redirect_address, sizeof error->redirect_address);
    error->redirect_port = port_of(&said->info);
}

/* Conditions that come again however often it is tried. amqp:invalid-field and amqp:resource-locked
 * are not among them: brokers say so of a container-id, or a queue, as long as they take the lost
 * connection for alive. */
static const char *const final_conditions[] = {
    "amqp:connection:redirect", "amqp:link:redirect",
    "amqp:link:stolen",         "amqp:link:message-size-exceeded",
    "amqp:unauthorized-access", "amqp:not-found",
    "amqp:not-allowed",         "amqp:not-implemented",
    "amqp:invalid-field",       "amqp:precondition-failed",
    "amqp:resource-deleted",
};

bool amqpci_client_error_is_final(const amqpc_client_error *error)
{
    for (size_t i = 0; i < sizeof final_conditions / sizeof final_conditions[0]; i++) {
        if (strcmp(error->condition, final_conditions[i]) == 0) {
            return true;
        }
    }
    bool sasl = error->status >= AMQPC_SASL_REFUSED && error->status <= AMQPC_SASL_SYSTEM;
    switch (error->status) {
    case AMQPC_TLS_CERTIFICATE:
    case AMQPC_TLS_BAD_CREDENTIALS:
    case AMQPC_BAD_PROTOCOL_HEADER:
    case AMQPC_MESSAGE_TOO_LARGE:
    case AMQPC_LINK_STOLEN:
    case AMQPC_REDIRECTED:
    case AMQPC_UNSUPPORTED:
    case AMQPC_INVALID_ARGUMENT:
        return true;
    default:
        return sasl;
    }
}
