/* The command line of client_peer, and what its scenarios have in common. */
#define _POSIX_C_SOURCE 200809L

#include "interop/client/client_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    peer_scenario run;
} SCENARIOS[] = {
    {"types", scenario_types},     {"connect", scenario_connect},
    {"idle", scenario_idle},       {"send", scenario_send},
    {"collect", scenario_collect}, {"outcomes", scenario_outcomes},
    {"credit", scenario_credit},   {"selector", scenario_selector},
    {"dynamic", scenario_dynamic}, {"relay", scenario_relay},
    {"request", scenario_request}, {"transaction", scenario_transaction},
};

/* --- The command line. */

static void usage(const char *word)
{
    fprintf(stderr, "client_peer SCENARIO --url URL [--NAME [VALUE]]...: not %s\n", word);
    exit(2);
}

static uint32_t number_of(const char *word)
{
    return (uint32_t)strtoul(word, NULL, 10);
}

static void take_option(peer_options *options, const char *name, const char *value)
{
    if (strcmp(name, "--url") == 0) {
        options->url = value;
    } else if (strcmp(name, "--address") == 0) {
        options->address = value;
    } else if (strcmp(name, "--ledger") == 0) {
        options->ledger = value;
    } else if (strcmp(name, "--only") == 0) {
        options->only = value;
    } else if (strcmp(name, "--count") == 0) {
        options->count = number_of(value);
    } else if (strcmp(name, "--size") == 0) {
        options->size = number_of(value);
    } else if (strcmp(name, "--hold-ms") == 0) {
        options->hold_ms = number_of(value);
    } else if (strcmp(name, "--prefetch") == 0) {
        options->prefetch = number_of(value);
    } else if (strcmp(name, "--hold-at") == 0) {
        options->hold_at = number_of(value);
    } else if (strcmp(name, "--quiet-ms") == 0) {
        options->quiet_ms = number_of(value);
    } else if (strcmp(name, "--expect") == 0) {
        options->expect = number_of(value);
    } else {
        usage(name);
    }
}

static peer_options read_options(int count, char **words)
{
    peer_options options = {.count = 10, .size = 100};
    if (count < 2) {
        usage("enough words");
    }
    options.scenario = words[1];
    for (int i = 2; i < count; i++) {
        if (strcmp(words[i], "--settled") == 0) {
            options.settled = true;
        } else if (strcmp(words[i], "--unmodified") == 0) {
            options.unmodified = true;
        } else if (i + 1 < count) {
            take_option(&options, words[i], words[i + 1]);
            i++;
        } else {
            usage(words[i]);
        }
    }
    if (options.url == NULL) {
        usage("without a URL");
    }
    return options;
}

int main(int count, char **words)
{
    peer_options options = read_options(count, words);
    for (size_t i = 0; i < sizeof SCENARIOS / sizeof *SCENARIOS; i++) {
        if (strcmp(SCENARIOS[i].name, options.scenario) == 0) {
            printf("{\"scenario\":\"%s\"", options.scenario);
            SCENARIOS[i].run(&options);
            printf("}\n");
            return 0;
        }
    }
    usage(options.scenario);
}

/* --- The summary. */

void peer_print_bytes(const void *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\') {
            printf("\\%c", bytes[i]);
        } else if (bytes[i] < 0x20) {
            printf("\\u%04x", bytes[i]);
        } else {
            putchar(bytes[i]);
        }
    }
    putchar('"');
}

void peer_print_text(const char *text)
{
    peer_print_bytes(text, strlen(text));
}

static void fail(amqpc_status status, const char *call, const char *text)
{
    printf(",\"status\":\"%s\",\"failure\":", amqpc_status_name(status));
    char line[1024];
    snprintf(line, sizeof line, "%s: %s%s%s", call, amqpc_status_name(status),
             *text != '\0' ? ": " : "", text);
    peer_print_text(line);
    printf("}\n");
    fflush(stdout);
    _Exit(1);
}

void peer_check(amqpc_status status, const char *call)
{
    if (status != AMQPC_OK) {
        fail(status, call, "");
    }
}

void peer_check_client(amqpc_client *client, amqpc_status status, const char *call)
{
    if (status == AMQPC_OK) {
        return;
    }
    amqpc_client_error error;
    bool known = amqpc_client_get_error(client, &error) == AMQPC_OK;
    fail(status, call, known ? error.text : "");
}

void peer_check_sender(amqpc_sender *sender, amqpc_status status, const char *call)
{
    amqpc_client_error error;
    if (status != AMQPC_OK) {
        bool known = amqpc_sender_get_error(sender, &error) == AMQPC_OK;
        fail(status, call, known ? error.text : "");
    }
}

void peer_check_receiver(amqpc_receiver *receiver, amqpc_status status, const char *call)
{
    amqpc_client_error error;
    if (status != AMQPC_OK) {
        bool known = amqpc_receiver_get_error(receiver, &error) == AMQPC_OK;
        fail(status, call, known ? error.text : "");
    }
}

amqpc_bytes peer_bytes(const char *text)
{
    return (amqpc_bytes){text, strlen(text)};
}

/* --- Clients and links. */

amqpc_client *peer_connect(const peer_options *options)
{
    amqpc_client *client = NULL;
    amqpc_client_error error = {.status = AMQPC_OK};
    amqpc_status status = amqpc_client_new(options->url, NULL, &client, &error);
    if (status != AMQPC_OK) {
        fail(status, "amqpc_client_new", error.text);
    }
    peer_check_client(client, amqpc_client_wait_open(client, PEER_TIMEOUT_MS),
                      "amqpc_client_wait_open");
    return client;
}

amqpc_sender *peer_sender(amqpc_client *client, const char *address, const peer_options *options)
{
    amqpc_sender_options choices;
    amqpc_sender_options_init(&choices, sizeof choices);
    choices.guarantee = options->settled ? AMQPC_AT_MOST_ONCE : AMQPC_AT_LEAST_ONCE;
    amqpc_sender *sender = NULL;
    peer_check(amqpc_sender_new(client, address, &choices, &sender), "amqpc_sender_new");
    peer_check_sender(sender, amqpc_sender_wait_open(sender, PEER_TIMEOUT_MS),
                      "amqpc_sender_wait_open");
    return sender;
}

amqpc_receiver *peer_receiver(amqpc_client *client, const char *address, const char *selector)
{
    amqpc_receiver_options choices;
    amqpc_receiver_options_init(&choices, sizeof choices);
    choices.prefetch = 0;
    choices.message_size = 0;
    choices.selector = selector;
    amqpc_receiver *receiver = NULL;
    peer_check(amqpc_receiver_new(client, address, &choices, &receiver), "amqpc_receiver_new");
    peer_check_receiver(receiver, amqpc_receiver_wait_open(receiver, PEER_TIMEOUT_MS),
                        "amqpc_receiver_wait_open");
    return receiver;
}

void peer_close(amqpc_client *client)
{
    peer_check_client(client, amqpc_client_close(client, PEER_TIMEOUT_MS), "amqpc_client_close");
    amqpc_client_free(client);
}

/* --- Messages with numbers. */

/* The first eight are the number. */
static uint8_t body_byte(uint32_t number, uint32_t index)
{
    if (index < 4) {
        return 0;
    }
    if (index < 8) {
        return (uint8_t)(number >> (8 * (7 - index)));
    }
    return (uint8_t)(number * 31 + index * 7 + (index >> 8));
}

amqpc_bytes peer_make_message(uint32_t number, uint32_t size)
{
    uint8_t *body = (uint8_t *)malloc(size);
    peer_check(body != NULL ? AMQPC_OK : AMQPC_NO_MEMORY, "malloc");
    for (uint32_t i = 0; i < size; i++) {
        body[i] = body_byte(number, i);
    }
    const amqpc_value color[2] = {
        {.type = AMQPC_TYPE_STRING, .as.bytes = peer_bytes("color")},
        {.type = AMQPC_TYPE_STRING, .as.bytes = peer_bytes(number % 2 == 0 ? "red" : "blue")}};
    amqpc_message message;
    amqpc_message_init(&message);
    message.sections =
        AMQPC_SECTION_HEADER | AMQPC_SECTION_APPLICATION_PROPERTIES | AMQPC_SECTION_BODY;
    message.header.present = AMQPC_HEADER_DURABLE;
    message.header.durable = true;
    message.application_properties = (amqpc_value){
        .type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = color};
    message.body_kind = AMQPC_BODY_DATA;
    message.body_count = 1;
    message.body = (amqpc_value){.type = AMQPC_TYPE_BINARY, .as.bytes = {body, size}};

    size_t bound = amqpc_message_encoded_bound(&message, 0);
    void *encoded = malloc(bound);
    peer_check(encoded != NULL ? AMQPC_OK : AMQPC_NO_MEMORY, "malloc");
    size_t encoded_size = 0;
    peer_check(amqpc_message_encode(&message, 0, encoded, bound, &encoded_size),
               "amqpc_message_encode");
    free(body);
    return (amqpc_bytes){encoded, encoded_size};
}

bool peer_read_message(amqpc_bytes payload, uint32_t size, uint32_t *number)
{
    amqpc_message message;
    amqpc_status status = amqpc_message_decode(payload.data, payload.size, NULL, &message, NULL);
    bool plain = status == AMQPC_OK && message.body_kind == AMQPC_BODY_DATA &&
                 message.body_count == 1 && message.body.as.bytes.size == size && size >= 8;
    if (!plain) {
        return false;
    }
    const uint8_t *body = (const uint8_t *)message.body.as.bytes.data;
    *number = (uint32_t)body[4] << 24 | (uint32_t)body[5] << 16 | (uint32_t)body[6] << 8 | body[7];
    for (uint32_t i = 8; i < size; i++) {
        if (body[i] != body_byte(*number, i)) {
            return false;
        }
    }
    return true;
}

void peer_send_numbered(amqpc_sender *sender, uint32_t count, uint32_t size)
{
    for (uint32_t i = 0; i < count; i++) {
        amqpc_bytes message = peer_make_message(i, size);
        amqpc_outcome outcome;
        peer_check_sender(sender,
                          amqpc_sender_send_bytes(sender, message, PEER_TIMEOUT_MS, &outcome),
                          "amqpc_sender_send_bytes");
        if (outcome.state_type != AMQPC_COMPOSITE_ACCEPTED) {
            fail(AMQPC_OK, "a message is not accepted", outcome.description);
        }
        free((void *)message.data);
    }
}

void peer_receive(amqpc_receiver *receiver, amqpc_delivery *deliveries, size_t count)
{
    size_t received = 0;
    while (received < count) {
        size_t more = 0;
        peer_check_receiver(receiver,
                            amqpc_receiver_receive(receiver, deliveries + received,
                                                   count - received, PEER_TIMEOUT_MS, &more),
                            "amqpc_receiver_receive");
        received += more;
    }
}

/* Everything that has come, and what comes within a time. */
static size_t take_more(amqpc_receiver *receiver, amqpc_delivery *deliveries, size_t capacity,
                        int64_t timeout_ms)
{
    size_t received = 0;
    size_t more = 0;
    while (received < capacity &&
           amqpc_receiver_receive(receiver, deliveries + received, capacity - received, timeout_ms,
                                  &more) == AMQPC_OK) {
        received += more;
    }
    return received;
}

size_t peer_receive_all(amqpc_receiver *receiver, const peer_options *options, size_t expected,
                        amqpc_delivery *deliveries, size_t capacity)
{
    peer_check_receiver(receiver, amqpc_receiver_add_credit(receiver, (uint32_t)capacity),
                        "amqpc_receiver_add_credit");
    peer_receive(receiver, deliveries, expected);
    if (options->quiet_ms == 0) {
        peer_check_receiver(receiver, amqpc_receiver_drain(receiver, PEER_TIMEOUT_MS),
                            "amqpc_receiver_drain");
    }
    return expected +
           take_more(receiver, deliveries + expected, capacity - expected, options->quiet_ms);
}
