/* OAUTHBEARER (RFC 7628) and XOAUTH2, its forerunner: a token in pairs of name and value.
 *
 *      OAUTHBEARER   n,a=whom, ^A host=name ^A port=number ^A auth=Bearer token ^A ^A
 *      XOAUTH2       user=name ^A auth=Bearer token ^A ^A
 *
 * without the spaces beside ^A, which is 0x01. A server that refuses may send a challenge with the
 * reason first; the client answers something empty and waits for the outcome. */
#include <string.h>

#include "engine/sasl_name.h"
#include "engine/sasl_object.h"

static const char separator = 0x01;

enum { STEP_ERROR_CHALLENGED = 1 };

/* A port as text; nothing for 0. */
static amqpc_bytes write_port(uint16_t port, char digits[5])
{
    size_t at = 5;
    while (port > 0) {
        digits[--at] = (char)('0' + port % 10);
        port /= 10;
    }
    return (amqpc_bytes){digits + at, 5 - at};
}

amqpc_status amqpci_oauthbearer_start(amqpci_sasl *sasl)
{
    const amqpc_sasl_options *options = &sasl->options;
    const amqpc_bytes nothing = {"", 0};
    char digits[5];
    amqpci_secret header = {NULL, 0};
    amqpc_bytes port = write_port(options->port, digits);
    amqpc_bytes host = options->hostname;
    amqpc_status status = amqpci_sasl_gs2_header(
        &sasl->allocator,
        options->authorization_id.size > 0 ? options->authorization_id : options->user, &header);
    if (status == AMQPC_OK) {
        const amqpc_bytes parts[] = {amqpci_secret_view(&header),
                                     host.size > 0 ? amqpci_text("\x01host=") : nothing,
                                     host,
                                     port.size > 0 ? amqpci_text("\x01port=") : nothing,
                                     port,
                                     amqpci_text("\x01"
                                                 "auth=Bearer "),
                                     options->token,
                                     amqpci_text("\x01\x01")};
        status =
            amqpci_secret_join(&sasl->allocator, &sasl->sent, parts, sizeof parts / sizeof *parts);
    }
    amqpci_secret_release(&sasl->allocator, &header);
    return status;
}

amqpc_status amqpci_xoauth2_start(amqpci_sasl *sasl)
{
    const amqpc_bytes parts[] = {amqpci_text("user="), sasl->options.user,
                                 amqpci_text("\x01"
                                             "auth=Bearer "),
                                 sasl->options.token, amqpci_text("\x01\x01")};
    return amqpci_secret_join(&sasl->allocator, &sasl->sent, parts, sizeof parts / sizeof *parts);
}

/* A challenge says why the server refuses: `answer` makes it say so in the outcome. */
static amqpc_status acknowledge_error(amqpci_sasl *sasl, amqpc_bytes answer)
{
    if (sasl->mechanism_step == STEP_ERROR_CHALLENGED) {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    sasl->mechanism_step = STEP_ERROR_CHALLENGED;
    return amqpci_secret_set(&sasl->allocator, &sasl->sent, answer);
}

amqpc_status amqpci_oauthbearer_step(amqpci_sasl *sasl, amqpc_bytes challenge)
{
    (void)challenge;
    return acknowledge_error(sasl, (amqpc_bytes){&separator, 1}); /* RFC 7628 3.2.3 */
}

amqpc_status amqpci_xoauth2_step(amqpci_sasl *sasl, amqpc_bytes challenge)
{
    (void)challenge;
    return acknowledge_error(sasl, (amqpc_bytes){"", 0});
}

amqpc_status amqpci_token_end(amqpci_sasl *sasl, amqpc_bytes additional_data)
{
    (void)additional_data;
    /* After the error only a failure may come (RFC 7628 3.2.3). */
    return sasl->mechanism_step == STEP_ERROR_CHALLENGED ? AMQPC_SASL_BAD_SEQUENCE : AMQPC_OK;
}

/* Takes "name=value^A" off the pairs. */
static bool take_pair(amqpc_bytes *pairs, amqpc_bytes *name, amqpc_bytes *value)
{
    const char *text = (const char *)pairs->data;
    const char *end = pairs->size == 0 ? NULL : (const char *)memchr(text, separator, pairs->size);
    if (end == NULL) {
        return false;
    }
    size_t size = (size_t)(end - text);
    const char *equals = (const char *)memchr(text, '=', size);
    if (equals == NULL) {
        return false;
    }
    *name = (amqpc_bytes){text, (size_t)(equals - text)};
    *value = (amqpc_bytes){equals + 1, (size_t)(end - equals) - 1};
    *pairs = (amqpc_bytes){end + 1, pairs->size - size - 1};
    return true;
}

/* "Bearer token", the first word in any case (RFC 7628 3.1); false for any other. */
static bool read_bearer(amqpc_bytes value, amqpc_bytes *token)
{
    static const char scheme[] = "bearer ";
    const size_t size = sizeof scheme - 1;
    const char *text = (const char *)value.data;
    if (value.size <= size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        bool upper = text[i] >= 'A' && text[i] <= 'Z';
        if (text[i] + (upper ? 'a' - 'A' : 0) != scheme[i]) {
            return false;
        }
    }
    *token = (amqpc_bytes){text + size, value.size - size};
    return true;
}

/* Reads pairs up to the empty one that ends them; others than `user` and `auth` are ignored. */
static bool read_pairs(amqpc_bytes pairs, amqpc_bytes *user, amqpc_bytes *token)
{
    amqpc_bytes name;
    amqpc_bytes value;
    bool twice = false; /* the application must not look at another one than somebody else does */
    while (take_pair(&pairs, &name, &value)) {
        if (!amqpci_sasl_is_text(name) || !amqpci_sasl_is_text(value)) {
            return false;
        }
        if (amqpci_bytes_equal(name, amqpci_text("user"))) {
            twice = twice || user->size > 0;
            *user = value;
        } else if (amqpci_bytes_equal(name, amqpci_text("auth"))) {
            twice = twice || token->size > 0;
            if (!read_bearer(value, token)) {
                return false;
            }
        }
    }
    return !twice && pairs.size == 1 && *(const char *)pairs.data == separator && token->size > 0;
}

amqpc_status amqpci_oauthbearer_server_step(amqpci_sasl *sasl, amqpc_bytes response)
{
    amqpc_bytes header;
    amqpc_bytes rest;
    amqpc_bytes user = {NULL, 0}; /* is that of the gs2 header here */
    amqpc_bytes token = {NULL, 0};
    amqpc_status status =
        amqpci_sasl_gs2_read(&sasl->allocator, response, &header, &rest, &sasl->claimed);
    if (status != AMQPC_OK) {
        return status;
    }
    if (rest.size == 0 || *(const char *)rest.data != separator) {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    if (!read_pairs((amqpc_bytes){(const char *)rest.data + 1, rest.size - 1}, &user, &token)) {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    status =
        amqpci_secret_set(&sasl->allocator, &sasl->identity, amqpci_secret_view(&sasl->claimed));
    if (status == AMQPC_OK) {
        amqpc_sasl_question *question = amqpci_sasl_ask(sasl, AMQPC_SASL_QUESTION_CREDENTIALS);
        question->authorization_id = amqpci_secret_view(&sasl->claimed);
        question->token = token;
    }
    return status;
}

amqpc_status amqpci_xoauth2_server_step(amqpci_sasl *sasl, amqpc_bytes response)
{
    amqpc_bytes user = {NULL, 0};
    amqpc_bytes token = {NULL, 0};
    if (!read_pairs(response, &user, &token) || user.size == 0) {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    amqpc_status status = amqpci_secret_set(&sasl->allocator, &sasl->identity, user);
    if (status == AMQPC_OK) {
        amqpc_sasl_question *question = amqpci_sasl_ask(sasl, AMQPC_SASL_QUESTION_CREDENTIALS);
        question->user = user;
        question->token = token;
    }
    return status;
}
