/* Options of clients: the table, and what may stand in its rows. */
#include "client/option.h"

#include <stdio.h>
#include <string.h>

#include "client/url.h"
#include "codec/text.h"

#define ROW(name, member, kind, minimum, maximum, initial, choices, in_url)                        \
    {name,                                                                                         \
     offsetof(amqpc_client_options, member),                                                       \
     AMQPCI_OPTION_##kind,                                                                         \
     minimum,                                                                                      \
     maximum,                                                                                      \
     initial,                                                                                      \
     choices,                                                                                      \
     in_url},
#define OPTION(name, member, kind, minimum, maximum, initial, choices, help)                       \
    ROW(name, member, kind, minimum, maximum, initial, choices, true)
#define USER(name, member, kind, minimum, maximum, initial, choices, help)                         \
    ROW(name, member, kind, minimum, maximum, initial, choices, false)

static const amqpci_option rows[] = {
#include "client/options.def"
};

enum { ROW_COUNT = sizeof rows / sizeof *rows };
_Static_assert(sizeof rows / sizeof *rows < AMQPCI_OPTIONS_MAX,
               "more rows than callers have room for");

/* What stands behind a number, and what it multiplies it by. */
typedef struct unit {
    amqpci_option_kind kind;
    const char *suffix;
    uint32_t factor;
} unit;

static const unit units[] = {
    {AMQPCI_OPTION_DURATION, "", 1},     {AMQPCI_OPTION_DURATION, "ms", 1},
    {AMQPCI_OPTION_DURATION, "s", 1000}, {AMQPCI_OPTION_SIZE, "", 1},
    {AMQPCI_OPTION_SIZE, "k", 1024},     {AMQPCI_OPTION_SIZE, "M", 1048576},
};

const amqpci_option *amqpci_option_at(size_t index)
{
    return index < ROW_COUNT ? &rows[index] : NULL;
}

const amqpci_option *amqpci_option_find(const char *name, size_t size)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].in_url && strlen(rows[i].name) == size &&
            memcmp(rows[i].name, name, size) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

bool amqpci_option_is_text(const amqpci_option *option)
{
    return option->kind <= AMQPCI_OPTION_CHOICES;
}

static void *member_of(const amqpci_option *option, amqpc_client_options *options)
{
    return (char *)options + option->offset;
}

const char **amqpci_option_text(const amqpci_option *option, amqpc_client_options *options)
{
    return (const char **)member_of(option, options);
}

void amqpc_client_options_init(amqpc_client_options *options, size_t struct_size)
{
    amqpc_client_options defaults = {.struct_size = struct_size};
    for (size_t i = 0; i < ROW_COUNT; i++) {
        void *member = member_of(&rows[i], &defaults);
        if (rows[i].kind == AMQPCI_OPTION_BOOLEAN) {
            *(bool *)member = rows[i].initial != 0;
        } else if (!amqpci_option_is_text(&rows[i])) {
            *(uint32_t *)member = rows[i].initial;
        }
    }
    memcpy(options, &defaults, struct_size < sizeof defaults ? struct_size : sizeof defaults);
}

/* --- Numbers and booleans. */

static bool set_boolean(const char *text, bool *member)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) == 0) {
            *member = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static bool set_number(const amqpci_option *option, const char *text, uint32_t *member)
{
    uint64_t number = 0;
    size_t digits = strspn(text, "0123456789");
    const unit *found = NULL;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (units[i].kind == option->kind && strcmp(text + digits, units[i].suffix) == 0) {
            found = &units[i];
        }
    }
    if (digits == 0 || found == NULL) {
        return false;
    }
    for (size_t i = 0; i < digits && number <= UINT32_MAX; i++) {
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    if (number > UINT32_MAX / found->factor) {
        return false;
    }
    number *= found->factor;
    if (number < option->minimum || number > option->maximum) {
        return false;
    }
    *member = (uint32_t)number;
    return true;
}

bool amqpci_option_set(const amqpci_option *option, const char *text, amqpc_client_options *options)
{
    void *member = member_of(option, options);
    return option->kind == AMQPCI_OPTION_BOOLEAN ? set_boolean(text, (bool *)member)
                                                 : set_number(option, text, (uint32_t *)member);
}

bool amqpci_option_check_number(const amqpci_option *option, amqpc_client_options *options)
{
    if (option->kind == AMQPCI_OPTION_BOOLEAN) {
        return true;
    }
    uint32_t number = *(const uint32_t *)member_of(option, options);
    return number >= option->minimum && number <= option->maximum;
}

/* --- Texts. */

/* The choice that a word is, whatever its case; NULL for none. */
static const char *find_choice(const char *choices, const char *word, size_t size)
{
    for (;;) {
        size_t choice_size = strcspn(choices, " ");
        if (choice_size == size && amqpci_same_word(choices, word, size)) {
            return choices;
        }
        if (choices[choice_size] == '\0') {
            return NULL;
        }
        choices += choice_size + 1;
    }
}

/* Checks one word, and brings it to its right spelling. */
static bool check_word(const amqpci_option *option, char *word, size_t size, bool alone)
{
    if (size == 0) {
        return false;
    }
    if (option->kind == AMQPCI_OPTION_SYMBOLS) {
        return amqpci_is_ascii((const uint8_t *)word, size);
    }
    const char *choice = find_choice(option->choices, word, size);
    if (choice == NULL || (!alone && strncmp(choice, "none ", 5) == 0)) {
        return false;
    }
    memcpy(word, choice, size);
    return true;
}

/* Words, which single spaces separate. */
static bool check_words(const amqpci_option *option, char *text)
{
    bool alone = strchr(text, ' ') == NULL;
    for (;;) {
        size_t size = strcspn(text, " ");
        if (!check_word(option, text, size, alone)) {
            return false;
        }
        if (text[size] == '\0') {
            return true;
        }
        text += size + 1;
    }
}

bool amqpci_option_check_text(const amqpci_option *option, char *text)
{
    size_t size = strlen(text);
    if (size < option->minimum || size > option->maximum ||
        !amqpci_is_utf8((const uint8_t *)text, size)) {
        return false;
    }
    bool is_words = option->kind == AMQPCI_OPTION_SYMBOLS || option->kind == AMQPCI_OPTION_CHOICES;
    return !is_words || check_words(option, text);
}

void amqpci_option_expectation(const amqpci_option *option, char *text, size_t capacity)
{
    unsigned minimum = option->minimum;
    unsigned maximum = option->maximum;
    switch (option->kind) {
    case AMQPCI_OPTION_TEXT:
    case AMQPCI_OPTION_SECRET:
        (void)snprintf(text, capacity, "UTF-8 of %u to %u bytes", minimum, maximum);
        break;
    case AMQPCI_OPTION_SYMBOLS:
        (void)snprintf(text, capacity, "names of ASCII, separated by single spaces, up to %u bytes",
                       maximum);
        break;
    case AMQPCI_OPTION_CHOICES:
        (void)snprintf(text, capacity, "of %s, separated by single spaces", option->choices);
        break;
    case AMQPCI_OPTION_DURATION:
        (void)snprintf(text, capacity, "a number of milliseconds from %u to %u", minimum, maximum);
        break;
    case AMQPCI_OPTION_SIZE:
        (void)snprintf(text, capacity, "a number of bytes from %u to %u", minimum, maximum);
        break;
    default:
        (void)snprintf(text, capacity, "true or false");
        break;
    }
}
