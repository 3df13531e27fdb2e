/* The words of the command `amqpcodec`: each is one row of the table in main.c. */
#ifndef AMQPCODEC_TOOLS_COMMAND_H
#define AMQPCODEC_TOOLS_COMMAND_H

/* What the process returns, whatever the word. */
enum {
    EXIT_GOOD = 0,
    EXIT_BAD_INPUT = 1, /* also what cannot be read or written */
    EXIT_USAGE = 2
};

/* One word.
 *
 * summary  for the list in `amqpcodec --help`
 * run      takes the arguments from the word on, argv[0] being the word; returns an exit status */
typedef struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} command;

int broker_command(int argc, char **argv);
int dump_command(int argc, char **argv);
int perf_command(int argc, char **argv);
int receive_command(int argc, char **argv);
int send_command(int argc, char **argv);

#endif
