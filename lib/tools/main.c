/* The command `amqpcodec`: finds the word that was asked for and runs it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <amqpcodec/amqpcodec.h>

#include "tools/command.h"
#include "tools/report.h"

static const command commands[] = {
    {"broker", "an AMQP broker in memory, for development and tests", broker_command},
    {"dump", "show AMQP 1.0 bytes, hexadecimal text or captures as text or JSON", dump_command},
    {"perf", "put a load on a broker, and measure it", perf_command},
    {"receive", "receive messages from an address", receive_command},
    {"send", "send messages to an address", send_command},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static int print_help(void)
{
    printf("Usage: amqpcodec WORD [OPTION...] [FILE]\n"
           "\n"
           "Tools for AMQP 1.0.\n"
           "\n"
           "Words:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    printf("\n"
           "  --help     print this help; amqpcodec WORD --help prints that of a word\n"
           "  --version  print the version\n");
    return report_finish(EXIT_GOOD);
}

static int print_version(void)
{
    printf("amqpcodec %s\n", amqpc_version());
    return report_finish(EXIT_GOOD);
}

static int run(const char *word, int argc, char **argv)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(word, commands[i].name) == 0) {
            return commands[i].run(argc, argv);
        }
    }
    report("there is no word '%s'; amqpcodec --help lists them", word);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    /* A reader that goes away is noticed by the write that fails. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        report("a word is missing; amqpcodec --help lists them");
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return print_help();
    }
    if (strcmp(argv[1], "--version") == 0) {
        return print_version();
    }
    return run(argv[1], argc - 1, argv + 1);
}
