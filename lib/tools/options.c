/* Options of the command line: `--name`, `--name VALUE`, `--name=VALUE`; `--` ends them. */
#include "tools/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/report.h"

static const option_row *find_row(const option_table *table, const char *name, size_t name_size)
{
    for (size_t i = 0; i < table->count; i++) {
        const option_row *row = &table->rows[i];
        if (strlen(row->name) == name_size && memcmp(row->name, name, name_size) == 0) {
            return row;
        }
    }
    return NULL;
}

static bool set_number(const option_row *row, const char *text, uint32_t *member)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    bool is_number = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    if (!is_number || number < row->minimum || number > row->maximum) {
        report("--%s wants a number from %u to %u, not '%s'", row->name, row->minimum, row->maximum,
               text);
        return false;
    }
    *member = (uint32_t)number;
    return true;
}

/* How many bits to the left the letter behind a size moves it; -1 where it is none. */
static int size_shift(const char *suffix)
{
    static const char letters[] = "KMG";
    const char *letter = suffix[0] == '\0' ? NULL : strchr(letters, suffix[0]);
    if (suffix[0] == '\0') {
        return 0;
    }
    return letter == NULL || suffix[1] != '\0' ? -1 : 10 * (int)(letter - letters + 1);
}

static bool set_size(const option_row *row, const char *text, uint64_t *member)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    int shift = size_shift(end);
    bool is_size = text[0] >= '0' && text[0] <= '9' && errno == 0 && shift >= 0 &&
                   number <= UINT64_MAX >> (shift < 0 ? 0 : shift);
    uint64_t size = is_size ? (uint64_t)number << shift : 0;
    if (!is_size || size < row->minimum || (row->maximum > 0 && size > row->maximum)) {
        report("--%s wants a number of bytes, such as 64K, 16M or 1G, not '%s'", row->name, text);
        return false;
    }
    *member = size;
    return true;
}

static bool add_text(const option_row *row, const char *text, option_texts *member)
{
    if (member->count == OPTION_TEXTS_MAX) {
        report("--%s is given more than %d times", row->name, OPTION_TEXTS_MAX);
        return false;
    }
    member->items[member->count++] = text;
    return true;
}

static bool set_choice(const option_row *row, const char *text, uint32_t *member)
{
    uint32_t index = 0;
    const char *word = row->argument;
    for (;;) {
        size_t size = strcspn(word, "|");
        if (strlen(text) == size && memcmp(word, text, size) == 0) {
            *member = index;
            return true;
        }
        if (word[size] == '\0') {
            report("--%s wants one of %s, not '%s'", row->name, row->argument, text);
            return false;
        }
        word += size + 1;
        index++;
    }
}

static bool set_value(const option_row *row, const char *text, void *values)
{
    void *member = (char *)values + row->offset;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)member = true;
        return true;
    case OPTION_CHOICE:
        return set_choice(row, text, (uint32_t *)member);
    case OPTION_TEXT:
        *(const char **)member = text;
        return true;
    case OPTION_TEXTS:
        return add_text(row, text, (option_texts *)member);
    case OPTION_SIZE:
        return set_size(row, text, (uint64_t *)member);
    default:
        return set_number(row, text, (uint32_t *)member);
    }
}

/* One option, at argv[*index]; *index moves on to its last argument. */
static bool parse_option(const option_table *table, int argc, char **argv, int *index, void *values)
{
    const char *name = argv[*index] + 2;
    size_t name_size = strcspn(name, "=");
    const char *text = name[name_size] == '=' ? name + name_size + 1 : NULL;
    const option_row *row =
        strncmp(argv[*index], "--", 2) == 0 ? find_row(table, name, name_size) : NULL;
    if (row == NULL) {
        report("there is no option %s; amqpcodec %s --help lists them", argv[*index], table->word);
        return false;
    }
    if (row->kind == OPTION_FLAG && text != NULL) {
        report("--%s takes no argument", row->name);
        return false;
    }
    if (row->kind != OPTION_FLAG && text == NULL) {
        *index += 1;
        text = *index < argc ? argv[*index] : NULL;
    }
    if (row->kind != OPTION_FLAG && text == NULL) {
        report("--%s wants an argument: %s", row->name, row->argument);
        return false;
    }
    return set_value(row, text, values);
}

int options_parse(const option_table *table, int argc, char **argv, void *values,
                  const char **operands, int operand_capacity)
{
    bool only_operands = false;
    int count = 0;
    for (int i = 1; i < argc; i++) {
        if (!only_operands && strcmp(argv[i], "--") == 0) {
            only_operands = true;
        } else if (!only_operands && argv[i][0] == '-' && argv[i][1] != '\0') {
            if (!parse_option(table, argc, argv, &i, values)) {
                return -1;
            }
        } else if (count == operand_capacity) {
            report("'%s' is one argument too many; see amqpcodec %s --help", argv[i], table->word);
            return -1;
        } else {
            operands[count++] = argv[i];
        }
    }
    return count;
}

void options_print_help(const option_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const option_row *row = &table->rows[i];
        printf("  --%s%s%s\n", row->name, row->argument == NULL ? "" : " ",
               row->argument == NULL ? "" : row->argument);
        for (const char *line = row->help; line != NULL;) {
            size_t size = strcspn(line, "\n");
            printf("        %.*s\n", (int)size, line);
            line = line[size] == '\0' ? NULL : line + size + 1;
        }
    }
}
