/* What the peers of these tests have in common. */
#include "interop/peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_SIZE = 8, DEFAULT_COUNT = 10, DEFAULT_SIZE = 100 };

static void usage(const char *word)
{
    (void)fprintf(stderr, "cannot make anything of %s\n", word);
    exit(2);
}

/* --- Options. */

typedef struct flag_option {
    const char *name;
    size_t offset;
} flag_option;

static const flag_option flags[] = {
    {"--receive", offsetof(peer_options, receives)},
    {"--settled", offsetof(peer_options, settled)},
    {"--second", offsetof(peer_options, second)},
    {"--drain", offsetof(peer_options, drain)},
    {"--refuse", offsetof(peer_options, refuse)},
    {"--stream", offsetof(peer_options, stream)},
    {"--by-reference", offsetof(peer_options, by_reference)},
    {"--any", offsetof(peer_options, any)},
};

static const flag_option numbers[] = {
    {"--count", offsetof(peer_options, count)},
    {"--size", offsetof(peer_options, size)},
    {"--max-frame-size", offsetof(peer_options, max_frame_size)},
    {"--window", offsetof(peer_options, window)},
    {"--idle-ms", offsetof(peer_options, idle_ms)},
    {"--hold-ms", offsetof(peer_options, hold_ms)},
};

static const flag_option texts[] = {
    {"--sasl", offsetof(peer_options, sasl)},
    {"--user", offsetof(peer_options, user)},
    {"--password", offsetof(peer_options, password)},
    {"--outcome", offsetof(peer_options, outcome)},
};

static const char *const ends[] = {
    [PEER_END_NONE] = "none",     [PEER_END_CLOSE] = "close",
    [PEER_END_DETACH] = "detach", [PEER_END_SUSPEND] = "suspend",
    [PEER_END_END] = "end",       [PEER_END_CLOSE_ERROR] = "close-error",
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static void *find(peer_options *options, const flag_option *table, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, word) == 0) {
            return (char *)options + table[i].offset;
        }
    }
    return NULL;
}

static peer_end end_of(const char *word)
{
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        if (strcmp(ends[i], word) == 0) {
            return (peer_end)i;
        }
    }
    usage(word);
    return PEER_END_NONE;
}

/* Gives how many words the option took. */
static int read_option(peer_options *options, const char *word, const char *value)
{
    bool *flag = (bool *)find(options, flags, COUNT_OF(flags), word);
    if (flag != NULL) {
        *flag = true;
        return 1;
    }
    if (value == NULL) {
        usage(word);
        return 1;
    }
    uint32_t *number = (uint32_t *)find(options, numbers, COUNT_OF(numbers), word);
    const char **text = (const char **)find(options, texts, COUNT_OF(texts), word);
    if (number != NULL) {
        *number = (uint32_t)strtoul(value, NULL, 10);
    } else if (text != NULL) {
        *text = value;
    } else if (strcmp(word, "--end") == 0) {
        options->end = end_of(value);
    } else {
        usage(word);
    }
    return 2;
}

peer_options peer_read_options(int count, char **words)
{
    peer_options options = {.count = DEFAULT_COUNT, .size = DEFAULT_SIZE, .outcome = "accepted"};
    int at = 2;
    if (count > 2 && strcmp(words[1], "client") == 0) {
        options.port = words[2];
        options.end = PEER_END_CLOSE;
        at = 3;
    } else if (count > 1 && strcmp(words[1], "server") == 0) {
        options.is_server = true;
    } else {
        usage("the first word: client PORT, or server");
    }
    while (at < count) {
        at += read_option(&options, words[at], at + 1 < count ? words[at + 1] : NULL);
    }
    return options;
}

/* --- What is printed. */

void peer_print_port(unsigned port)
{
    printf("listening %u\n", port);
    (void)fflush(stdout);
}

static void print_text(const char *name, const char *text)
{
    printf(", \"%s\": \"", name);
    for (; *text != '\0'; text++) {
        putchar(*text == '"' || *text == '\\' || (unsigned char)*text < ' ' ? '\'' : *text);
    }
    putchar('"');
}

static const char *truth(bool holds)
{
    return holds ? "true" : "false";
}

int peer_print_summary(const peer_summary *summary)
{
    bool clean = summary->clean && summary->bad == 0;
    printf("{\"sent\": %" PRIu32 ", \"received\": %" PRIu32 ", \"bad\": %" PRIu32
           ", \"accepted\": %" PRIu32 ", \"rejected\": %" PRIu32 ", \"released\": %" PRIu32
           ", \"modified\": %" PRIu32 ", \"settled\": %" PRIu32,
           summary->sent, summary->received, summary->bad, summary->accepted, summary->rejected,
           summary->released, summary->modified, summary->settled);
    printf(", \"drained\": %s, \"refused\": %s, \"suspended\": %s, \"clean\": %s",
           truth(summary->drained), truth(summary->refused), truth(summary->suspended),
           truth(clean));
    printf(", \"frames_sent\": %" PRIu64 ", \"frames_received\": %" PRIu64, summary->frames_sent,
           summary->frames_received);
    print_text("error", summary->error);
    print_text("failure", summary->failure);
    print_text("identity", summary->identity);
    print_text("mechanism", summary->mechanism);
    printf("}\n");
    return clean ? 0 : 1;
}

void peer_copy_text(char *copy, size_t capacity, const void *text, size_t size)
{
    size_t copied = size < capacity ? size : capacity - 1;
    if (copied > 0) {
        memcpy(copy, text, copied);
    }
    copy[copied] = '\0';
}

void peer_note_error(peer_summary *summary, const char *condition, size_t condition_size,
                     const char *description, size_t description_size)
{
    char *text = summary->error;
    size_t capacity = sizeof summary->error;
    peer_copy_text(text, capacity / 2, condition, condition_size);
    if (description_size > 0) {
        size_t used = strlen(text);
        peer_copy_text(text + used, capacity - used, ": ", 2);
        used = strlen(text);
        peer_copy_text(text + used, capacity - used, description, description_size);
    }
}

/* --- Messages: the section of data (AMQP 3.2.6) with a binary of four bytes of size. */

size_t peer_message_size(const peer_options *options, uint32_t number)
{
    size_t quarter = options->size / 4;
    size_t size = options->size - quarter * (number % 4);
    return size < HEAD_SIZE ? HEAD_SIZE : size;
}

static uint8_t content(uint32_t number, size_t index)
{
    return (uint8_t)(number * 131 + index * 7 + (index >> 8));
}

static void fill_head(uint8_t *bytes, size_t size)
{
    const uint8_t head[HEAD_SIZE] = {0x00,
                                     0x53,
                                     0x75,
                                     0xb0,
                                     (uint8_t)((size - HEAD_SIZE) >> 24),
                                     (uint8_t)((size - HEAD_SIZE) >> 16),
                                     (uint8_t)((size - HEAD_SIZE) >> 8),
                                     (uint8_t)(size - HEAD_SIZE)};
    memcpy(bytes, head, HEAD_SIZE);
}

void peer_fill_message(const peer_options *options, uint32_t number, uint8_t *bytes)
{
    size_t size = peer_message_size(options, number);
    fill_head(bytes, size);
    for (size_t i = HEAD_SIZE; i < size; i++) {
        bytes[i] = content(number, i);
    }
}

bool peer_message_is(const peer_options *options, uint32_t number, const void *bytes, size_t size)
{
    const uint8_t *found = (const uint8_t *)bytes;
    uint8_t head[HEAD_SIZE];
    if (options->any) {
        return true;
    }
    if (size != peer_message_size(options, number)) {
        return false;
    }
    fill_head(head, size);
    bool same = memcmp(found, head, HEAD_SIZE) == 0;
    for (size_t i = HEAD_SIZE; i < size && same; i++) {
        same = found[i] == content(number, i);
    }
    return same;
}
