/* `amqpcodec send`: options, and sending, many messages on their way at once. */
#include "tools/send.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <amqpcodec/sender.h>

#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/peer.h"
#include "tools/report.h"

#define MEMBER(name) offsetof(send_options, name)

enum {
    LISTED_MAX = 20, /* messages that were not accepted, one by one */
    COMPLETIONS = 64,
    SECONDS_MAX = 86400
};

static const option_row rows[] = {
    {"address", "ADDRESS", OPTION_TEXT, MEMBER(address), 0, 0,
     "where to, in place of the second argument; empty: each message's `to` says it, and the\n"
     "peer is its relay (ANONYMOUS-RELAY)"},
    {"file", "FILE", OPTION_TEXTS, MEMBER(files), 0, 0,
     "send a file as a message, its bytes as a data section; - is standard input. May be given\n"
     "several times"},
    {"lines", NULL, OPTION_FLAG, MEMBER(lines), 0, 0,
     "send each line of standard input as a message"},
    {"json-lines", NULL, OPTION_FLAG, MEMBER(json_lines), 0, 0,
     "send each line of standard input, which is a message in JSON, as receive --json prints\n"
     "it"},
    {"data", NULL, OPTION_FLAG, MEMBER(data), 0, 0,
     "send texts and lines as data sections, not as strings; so they are with --content-type"},
    {"count", "N", OPTION_NUMBER, MEMBER(count), 1, UINT32_MAX, "send each message so often"},
    {"property", "KEY=VALUE", OPTION_TEXTS, MEMBER(properties), 0, 0,
     "an application property, a string. May be given several times"},
    {"subject", "TEXT", OPTION_TEXT, MEMBER(subject), 0, 0, "property subject"},
    {"content-type", "TYPE", OPTION_TEXT, MEMBER(content_type), 0, 0, "property content-type"},
    {"message-id", "TEXT", OPTION_TEXT, MEMBER(message_id), 0, 0, "property message-id"},
    {"correlation-id", "TEXT", OPTION_TEXT, MEMBER(correlation_id), 0, 0,
     "property correlation-id"},
    {"to", "ADDRESS", OPTION_TEXT, MEMBER(to), 0, 0, "property to"},
    {"reply-to", "ADDRESS", OPTION_TEXT, MEMBER(reply_to), 0, 0, "property reply-to"},
    {"ttl", "MILLISECONDS", OPTION_NUMBER, MEMBER(ttl), 1, UINT32_MAX, "the message lives so long"},
    {"priority", "N", OPTION_NUMBER, MEMBER(priority), 0, 255, "the message's priority"},
    {"durable", NULL, OPTION_FLAG, MEMBER(durable), 0, 0, "the message is to survive a restart"},
    {"settled", NULL, OPTION_FLAG, MEMBER(settled), 0, 0,
     "send at most once: nobody says what becomes of the messages"},
    {"timeout", "SECONDS", OPTION_NUMBER, MEMBER(timeout), 0, SECONDS_MAX,
     "how long to wait for the link, for credit and for outcomes; 0 for ever. Default: 30"},
    {"help", NULL, OPTION_FLAG, MEMBER(help), 0, 0, "print this help"},
};

static const option_table table = {"send", rows, sizeof rows / sizeof rows[0]};

/* One run.
 *
 * posted    messages; their number, from 1, is the context of their completion
 * accepted  or sent settled
 * refused   what has another outcome, or an unknown one
 * failed    something was reported that ended it */
typedef struct send_run {
    send_options options;
    amqpc_client *client;
    amqpc_sender *sender;
    int64_t timeout_ms;
    uint64_t posted;
    uint64_t accepted;
    uint64_t refused;
    bool failed;
} send_run;

static int print_help(void)
{
    printf("Usage: amqpcodec send [OPTION...] URL ADDRESS [TEXT...]\n"
           "\n"
           "Sends messages to an address, and waits until the peer has said what becomes of them. "
           "Each TEXT\n"
           "is a message. Returns 0 where all were accepted, 1 where one was not, or something "
           "failed, 2\n"
           "for a wrong command line.\n"
           "\n"
           "Options:\n");
    options_print_help(&table);
    return report_finish(EXIT_GOOD);
}

/* what: that the status is of. */
static void fail(send_run *run, const char *what, amqpc_status status)
{
    amqpc_client_error error;
    bool failed = amqpc_sender_get_error(run->sender, &error) == AMQPC_OK;
    peer_report(run->client, what, status, failed, &error);
    run->failed = true;
}

/* --- Outcomes. */

static void report_outcome(send_run *run, const amqpc_completion *completion)
{
    static const struct {
        uint32_t type;
        const char *text;
    } states[] = {
        {AMQPC_COMPOSITE_REJECTED, "rejected"},
        {AMQPC_COMPOSITE_RELEASED, "released"},
        {AMQPC_COMPOSITE_MODIFIED, "modified"},
    };
    amqpc_outcome outcome;
    amqpc_outcome_read(completion, &outcome);
    const char *text = "in a state of another kind";
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        text = states[i].type == outcome.state_type ? states[i].text : text;
    }
    if (outcome.unknown) {
        text = "nobody knows whether it has arrived";
    }
    run->refused++;
    if (run->refused <= LISTED_MAX) {
        report("message %" PRIu64 ": %s%s%s%s%s", completion->context, text,
               outcome.condition[0] == '\0' ? "" : ": ", outcome.condition,
               outcome.description[0] == '\0' ? "" : ": ", outcome.description);
    }
}

static void note_outcome(send_run *run, const amqpc_completion *completion)
{
    bool is_good = !completion->unknown &&
                   (completion->state_type == AMQPC_COMPOSITE_ACCEPTED ||
                    (run->options.settled && completion->state_type == AMQPC_COMPOSITE_NONE));
    if (is_good) {
        run->accepted++;
    } else {
        report_outcome(run, completion);
    }
}

/* Takes what outcomes there are; waits for the first. Returns as amqpc_sender_completions. */
static amqpc_status take_outcomes(send_run *run, int64_t timeout_ms)
{
    amqpc_completion completions[COMPLETIONS];
    size_t count = 0;
    amqpc_status status =
        amqpc_sender_completions(run->sender, completions, COMPLETIONS, timeout_ms, &count);
    for (size_t i = 0; status == AMQPC_OK && i < count; i++) {
        note_outcome(run, &completions[i]);
    }
    return status;
}

static void await_outcomes(send_run *run)
{
    amqpc_status status = AMQPC_OK;
    while (status == AMQPC_OK) {
        status = take_outcomes(run, run->timeout_ms);
        if (status == AMQPC_INTERRUPTED && !interrupt_came()) {
            status = AMQPC_OK; /* a signal that says nothing */
        }
    }
    if (status != AMQPC_NOT_FOUND && !run->failed) {
        fail(run, "waiting for outcomes", status);
    }
    uint64_t left = run->posted - run->accepted - run->refused;
    if (left > 0) {
        report("%" PRIu64 " of %" PRIu64 " messages have no outcome", left, run->posted);
    }
    if (run->refused > LISTED_MAX) {
        report("%" PRIu64 " of %" PRIu64 " messages were not accepted", run->refused, run->posted);
    }
    run->failed = run->failed || left > 0 || run->refused > 0;
}

/* --- Messages. */

/* Posts one message. Returns whether to go on. */
static bool post(send_run *run, const json_message *message)
{
    uint64_t number = run->posted + 1;
    size_t posted = 0;
    amqpc_status status = AMQPC_INTERRUPTED;
    while (status == AMQPC_INTERRUPTED && !interrupt_came()) {
        status = message->payload.data == NULL
                     ? amqpc_sender_post(run->sender, &message->message, number, run->timeout_ms)
                     : amqpc_sender_post_batch(run->sender, &message->payload, 1, number,
                                               run->timeout_ms, &posted);
    }
    if (status == AMQPC_INVALID_ARGUMENT || status == AMQPC_MESSAGE_TOO_LARGE) {
        report("message %" PRIu64 ": %s", number,
               status == AMQPC_MESSAGE_TOO_LARGE
                   ? amqpc_status_text(status)
                   : "it cannot be encoded; texts that are not UTF-8 want --data");
        run->failed = true;
        return false;
    }
    if (status != AMQPC_OK) {
        char what[40];
        (void)snprintf(what, sizeof what, "message %" PRIu64, number);
        fail(run, what, status);
        return false;
    }
    run->posted = number;
    return true;
}

static void send_all(send_run *run, send_input *input)
{
    json_message message;
    bool going = true;
    while (going && !interrupt_came() && send_input_next(input, &message)) {
        for (uint32_t i = 0; going && i < run->options.count && !interrupt_came(); i++) {
            going = post(run, &message);
            bool is_pause = i % COMPLETIONS == COMPLETIONS - 1 || i + 1 == run->options.count;
            while (going && is_pause && take_outcomes(run, 0) == AMQPC_OK) {
            }
        }
    }
    run->failed = run->failed || input->bad_input || interrupt_came();
}

/* --- The command. */

static bool open_sender(send_run *run)
{
    amqpc_sender_options options;
    amqpc_sender_options_init(&options, sizeof options);
    options.guarantee = run->options.settled ? AMQPC_AT_MOST_ONCE : AMQPC_AT_LEAST_ONCE;
    const char *address = run->options.address[0] == '\0' ? NULL : run->options.address;
    amqpc_status status = amqpc_sender_new(run->client, address, &options, &run->sender);
    if (status != AMQPC_OK) {
        peer_report(run->client, "the sender could not be made", status, false, NULL);
        return false;
    }
    status = amqpc_sender_wait_open(run->sender, run->timeout_ms);
    if (status != AMQPC_OK) {
        fail(run, "sending failed", status);
    }
    return status == AMQPC_OK;
}

static int run_send(send_run *run, const char *url, const char *const *texts, size_t text_count)
{
    int exit_status = EXIT_BAD_INPUT;
    send_input input = {.options = &run->options, .texts = texts, .text_count = text_count};
    run->timeout_ms = peer_timeout(run->options.timeout);
    interrupt_catch();
    run->client = peer_connect(url, &exit_status);
    if (run->client == NULL) {
        return exit_status;
    }
    if (open_sender(run)) {
        send_all(run, &input);
        await_outcomes(run);
        exit_status = run->failed ? EXIT_BAD_INPUT : EXIT_GOOD;
    }
    send_input_free(&input);
    peer_close(run->client);
    return report_finish(exit_status);
}

/* Looks at the arguments that are no options: URL, the address where no option has it, texts. */
static int run_arguments(send_run *run, const char **operands, int count)
{
    int used = run->options.address == NULL ? 2 : 1;
    if (count < used) {
        report("%s is missing; see amqpcodec send --help", count == 0 ? "the URL" : "the address");
        return EXIT_USAGE;
    }
    if (run->options.address == NULL) {
        run->options.address = operands[1];
    }
    bool has_input = count > used || run->options.files.count > 0 || run->options.lines ||
                     run->options.json_lines;
    if (!has_input) {
        report("there is no message: give a text, --file, --lines or --json-lines");
        return EXIT_USAGE;
    }
    if (!send_options_check(&run->options)) {
        return EXIT_USAGE;
    }
    return run_send(run, operands[0], operands + used, (size_t)(count - used));
}

int send_command(int argc, char **argv)
{
    send_run run = {.options = {.count = 1, .priority = SEND_NO_PRIORITY, .timeout = 30}};
    const char **operands = (const char **)reallocate(NULL, (size_t)argc * sizeof *operands);
    int count = options_parse(&table, argc, argv, &run.options, operands, argc);
    int status = EXIT_USAGE;
    if (count >= 0) {
        status = run.options.help ? print_help() : run_arguments(&run, operands, count);
    }
    free(operands);
    return status;
}
