/* Options of clients, one row each (options.def): their defaults, and what may stand in them. */
#ifndef AMQPCI_CLIENT_OPTION_H
#define AMQPCI_CLIENT_OPTION_H

#include <amqpcodec/client.h>

typedef enum amqpci_option_kind {
    AMQPCI_OPTION_TEXT = 0,
    AMQPCI_OPTION_SECRET = 1,   /* a text that no message shows */
    AMQPCI_OPTION_SYMBOLS = 2,  /* ASCII, separated by single spaces */
    AMQPCI_OPTION_CHOICES = 3,  /* one or more of the choices, separated by single spaces */
    AMQPCI_OPTION_DURATION = 4, /* uint32_t, milliseconds; in a URL also with "ms" or "s" */
    AMQPCI_OPTION_SIZE = 5,     /* uint32_t, bytes; in a URL also with "k" or "M", of 1,024 */
    AMQPCI_OPTION_BOOLEAN = 6
} amqpci_option_kind;

enum { AMQPCI_OPTIONS_MAX = 64 }; /* more rows than there are */

/* One option.
 *
 * name              in the URL
 * offset            of the member of amqpc_client_options: const char *, uint32_t or bool, by kind
 * minimum, maximum  of a number; of a text its size in bytes
 * initial           default of a number or boolean; texts begin as NULL
 * choices           separated by single spaces; empty for none
 * in_url            it stands in the URL's query, and not before its '@' */
typedef struct amqpci_option {
    const char *name;
    size_t offset;
    amqpci_option_kind kind;
    uint32_t minimum;
    uint32_t maximum;
    uint32_t initial;
    const char *choices;
    bool in_url;
} amqpci_option;

/* The rows; NULL behind the last. Static. */
const amqpci_option *amqpci_option_at(size_t index);

/* The row of a name in a URL's query, or NULL. */
const amqpci_option *amqpci_option_find(const char *name, size_t size);

bool amqpci_option_is_text(const amqpci_option *option);

/* The member of a text. */
const char **amqpci_option_text(const amqpci_option *option, amqpc_client_options *options);

/* Sets a number or a boolean from what the URL says. Returns whether it is one of the row. */
bool amqpci_option_set(const amqpci_option *option, const char *text,
                       amqpc_client_options *options);

/* Whether what the program says in a number's member may stand there. */
bool amqpci_option_check_number(const amqpci_option *option, amqpc_client_options *options);

/* Whether a text may stand in the option. Choices are brought to their right spelling. */
bool amqpci_option_check_text(const amqpci_option *option, char *text);

/* Writes what has to stand in the option, such as "a number of milliseconds from 0 to 10", ended by
 * NUL. */
void amqpci_option_expectation(const amqpci_option *option, char *text, size_t capacity);

#endif
