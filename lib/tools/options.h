/* Options of the command line, from one table: it is parsed by, and printed as help. */
#ifndef AMQPCODEC_TOOLS_OPTIONS_H
#define AMQPCODEC_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum option_kind {
    OPTION_FLAG = 0,   /* no argument; the member is a bool */
    OPTION_CHOICE = 1, /* one of several words; the member is a uint32_t, the word's index */
    OPTION_NUMBER = 2, /* the member is a uint32_t */
    OPTION_TEXT = 3,   /* the member is a const char *, which points into argv */
    OPTION_TEXTS = 4,  /* may be given several times; the member is an option_texts */
    OPTION_SIZE = 5    /* bytes, with K, M or G for 1024, its square, its cube; a uint64_t */
} option_kind;

enum { OPTION_TEXTS_MAX = 64 };

/* The arguments of an option that was given several times, in order. They point into argv. */
typedef struct option_texts {
    const char *items[OPTION_TEXTS_MAX];
    uint32_t count;
} option_texts;

/* One option.
 *
 * name              without its two hyphens
 * argument          for the help; of a choice, the words with | between them; NULL for a flag
 * offset            of the member in the struct that options_parse fills
 * minimum, maximum  of a number, or a size in bytes, inclusive; of a size maximum 0 is no limit
 * help              lines, separated by newlines */
typedef struct option_row {
    const char *name;
    const char *argument;
    option_kind kind;
    size_t offset;
    uint32_t minimum;
    uint32_t maximum;
    const char *help;
} option_row;

/* A table, and the word of the command that it belongs to. */
typedef struct option_table {
    const char *word;
    const option_row *rows;
    size_t count;
} option_table;

/* Fills `values`, which holds the defaults, from the arguments.
 *
 * argv      argv[0] is the word, and is passed over
 * operands  receives the arguments that are no options, up to `operand_capacity`; more are an error
 *
 * Returns how many operands there are, or -1 where an error was reported. */
int options_parse(const option_table *table, int argc, char **argv, void *values,
                  const char **operands, int operand_capacity);

/* Prints the rows to standard output. */
void options_print_help(const option_table *table);

#endif
