/* `amqpcodec receive`: options, and messages to standard output. A message is settled after it was
 * written: what standard output did not take stays with the peer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <amqpcodec/print.h>
#include <amqpcodec/receiver.h>

#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/options.h"
#include "tools/peer.h"
#include "tools/report.h"

/* The options, as the command line sets them; count 0 is any number. */
typedef struct receive_options {
    const char *address;
    const char *selector;
    uint32_t count;
    uint32_t timeout;
    uint32_t prefetch;
    bool json;
    bool raw;
    bool lines;
    bool browse;
    bool accept;
    bool release;
    bool reject;
    bool settled;
    bool help;
} receive_options;

#define MEMBER(name) offsetof(receive_options, name)

enum {
    BATCH = 64,
    SLICE_MS = 500, /* of a wait, so that a signal that came just before it is seen */
    SECONDS_MAX = 86400,
    OPEN_SECONDS = 30 /* for the link, at least */
};

static const option_row rows[] = {
    {"address", "ADDRESS", OPTION_TEXT, MEMBER(address), 0, 0,
     "where from, in place of the second argument"},
    {"count", "N", OPTION_NUMBER, MEMBER(count), 1, UINT32_MAX,
     "end after N messages, and take no more from the peer. Default: do not end"},
    {"timeout", "SECONDS", OPTION_NUMBER, MEMBER(timeout), 0, SECONDS_MAX,
     "end where none comes for so long; 0, the default, never"},
    {"prefetch", "N", OPTION_NUMBER, MEMBER(prefetch), 1, INT32_MAX,
     "messages that the peer may send ahead. Default: 100"},
    {"json", NULL, OPTION_FLAG, MEMBER(json), 0, 0,
     "print a JSON document a line for each message; send --json-lines reads it"},
    {"raw", NULL, OPTION_FLAG, MEMBER(raw), 0, 0,
     "write the bytes of bodies, and nothing between them"},
    {"lines", NULL, OPTION_FLAG, MEMBER(lines), 0, 0, "write each body, and a newline"},
    {"selector", "TEXT", OPTION_TEXT, MEMBER(selector), 0, 0,
     "take only messages that the selector lets through"},
    {"browse", NULL, OPTION_FLAG, MEMBER(browse), 0, 0,
     "look at messages without taking them: distribution-mode copy, and released"},
    {"accept", NULL, OPTION_FLAG, MEMBER(accept), 0, 0, "accept messages; the default"},
    {"release", NULL, OPTION_FLAG, MEMBER(release), 0, 0, "give messages back: released"},
    {"reject", NULL, OPTION_FLAG, MEMBER(reject), 0, 0, "reject messages"},
    {"settled", NULL, OPTION_FLAG, MEMBER(settled), 0, 0,
     "ask the peer to send settled: at most once"},
    {"help", NULL, OPTION_FLAG, MEMBER(help), 0, 0, "print this help"},
};

static const option_table table = {"receive", rows, sizeof rows / sizeof rows[0]};

/* One run.
 *
 * received  messages
 * granted   of a run of a certain number: messages that the peer was let send
 * text      what is being written
 * failed    something was reported */
typedef struct receive_run {
    receive_options options;
    amqpc_client *client;
    amqpc_receiver *receiver;
    amqpc_buffer *text;
    uint64_t received;
    uint64_t granted;
    bool failed;
} receive_run;

static int print_help(void)
{
    printf("Usage: amqpcodec receive [OPTION...] URL ADDRESS\n"
           "\n"
           "Receives messages from an address, and writes them to standard output, each as a line "
           "in the\n"
           "notation of dump. Each is accepted when it was written. Ctrl-C ends it. Returns 0; 1 "
           "where\n"
           "there were fewer than --count, or something failed; 2 for a wrong command line.\n"
           "\n"
           "Options:\n");
    options_print_help(&table);
    return report_finish(EXIT_GOOD);
}

static void fail(receive_run *run, amqpc_status status)
{
    amqpc_client_error error;
    bool failed = amqpc_receiver_get_error(run->receiver, &error) == AMQPC_OK;
    peer_report(run->client, "receiving failed", status, failed, &error);
    run->failed = true;
}

/* --- Writing. */

static void append(receive_run *run, const void *data, size_t size)
{
    if (amqpc_buffer_append(run->text, data, size) != AMQPC_OK) {
        report_no_memory();
    }
}

static void append_hex(receive_run *run, amqpc_bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *octets = (const uint8_t *)bytes.data;
    for (size_t i = 0; i < bytes.size; i++) {
        const char pair[] = {digits[octets[i] >> 4], digits[octets[i] & 15]};
        append(run, pair, sizeof pair);
    }
}

/* What is no message: its bytes. */
static void append_payload(receive_run *run, amqpc_bytes payload)
{
    const receive_options *options = &run->options;
    if (options->raw || options->lines) {
        append(run, payload.data, payload.size);
        return;
    }
    const char *before = options->json ? "{\"payload\": \"" : "payload(";
    const char *behind = options->json ? "\"}" : ")";
    append(run, before, strlen(before));
    append_hex(run, payload);
    append(run, behind, strlen(behind));
}

/* The bytes of texts and binaries; of any other value the notation. */
static void append_body(receive_run *run, const amqpc_message *message)
{
    amqpc_body body;
    amqpc_value value;
    amqpc_body_init(message, &body);
    while (amqpc_body_next(&body, &value) == AMQPC_OK) {
        bool has_bytes = value.type == AMQPC_TYPE_BINARY || value.type == AMQPC_TYPE_STRING ||
                         value.type == AMQPC_TYPE_SYMBOL;
        if (has_bytes) {
            append(run, value.as.bytes.data, value.as.bytes.size);
        } else if (amqpc_value_print(&value, AMQPC_PRINT_TEXT, run->text) != AMQPC_OK) {
            report_no_memory();
        }
    }
}

/* Puts one message into the text. */
static void append_message(receive_run *run, const amqpc_delivery *delivery)
{
    const receive_options *options = &run->options;
    amqpc_message message;
    amqpc_status status = AMQPC_UNKNOWN_SECTION;
    size_t offset = 0;
    if (delivery->message_format == 0) { /* AMQP 3.2 */
        status = amqpc_message_decode(delivery->payload.data, delivery->payload.size, NULL,
                                      &message, &offset);
        if (status != AMQPC_OK) {
            report("message %" PRIu64 ": offset %zu: %s", run->received + 1, offset,
                   amqpc_status_text(status));
            run->failed = true;
        }
    }
    if (status != AMQPC_OK) {
        append_payload(run, delivery->payload);
    } else if (options->raw || options->lines) {
        append_body(run, &message);
    } else {
        amqpc_print_format format = options->json ? AMQPC_PRINT_JSON : AMQPC_PRINT_TEXT;
        if (amqpc_message_print(&message, format, run->text) != AMQPC_OK) {
            report_no_memory();
        }
    }
    if (!options->raw) {
        append(run, "\n", 1);
    }
}

/* Writes deliveries; the process ends where standard output does not take them. */
static void write_messages(receive_run *run, const amqpc_delivery *deliveries, size_t count)
{
    amqpc_buffer_truncate(run->text, 0);
    for (size_t i = 0; i < count; i++) {
        append_message(run, &deliveries[i]);
        run->received++;
    }
    if (amqpc_buffer_size(run->text) > 0) {
        (void)fwrite(amqpc_buffer_data(run->text), 1, amqpc_buffer_size(run->text), stdout);
    }
    report_flush();
}

/* --- Settling. */

static amqpc_status settle(receive_run *run, const amqpc_delivery *delivery)
{
    const receive_options *options = &run->options;
    if (delivery->settled) {
        return AMQPC_OK;
    }
    if (options->reject) {
        return amqpc_receiver_reject(run->receiver, delivery->number, delivery->number, NULL);
    }
    return options->release || options->browse ? amqpc_receiver_release(run->receiver, delivery)
                                               : amqpc_receiver_accept(run->receiver, delivery);
}

/* Settles and releases deliveries. What the peer has forgotten comes again. */
static void settle_all(receive_run *run, amqpc_delivery *deliveries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        amqpc_status status = settle(run, &deliveries[i]);
        if (status != AMQPC_OK && status != AMQPC_NOT_FOUND && !run->failed) {
            fail(run, status);
        }
    }
    amqpc_deliveries_release(deliveries, count);
}

/* --- Receiving. */

/* Lets the peer send what is still wanted of a certain number, some ahead. */
static amqpc_status grant(receive_run *run)
{
    const receive_options *options = &run->options;
    uint64_t ahead = run->granted - run->received;
    uint64_t wanted = options->count - run->granted;
    if (options->count == 0 || wanted == 0 || ahead > options->prefetch / 2) {
        return AMQPC_OK;
    }
    uint64_t room = options->prefetch - ahead;
    uint32_t more = (uint32_t)(wanted < room ? wanted : room);
    run->granted += more;
    return amqpc_receiver_add_credit(run->receiver, more);
}

/* amqpc_receiver_receive, as long as the options say. */
static amqpc_status await(receive_run *run, amqpc_delivery *deliveries, size_t *count)
{
    int64_t left_ms = peer_timeout(run->options.timeout);
    amqpc_status status = AMQPC_TIMED_OUT;
    while (status == AMQPC_TIMED_OUT && left_ms != 0 && !interrupt_came()) {
        int64_t slice_ms = left_ms == AMQPC_FOREVER || left_ms > SLICE_MS ? SLICE_MS : left_ms;
        status = amqpc_receiver_receive(run->receiver, deliveries, BATCH, slice_ms, count);
        left_ms -= left_ms == AMQPC_FOREVER ? 0 : slice_ms;
    }
    return status;
}

/* Takes what has come, and waits for it. Returns whether to go on. */
static bool receive_some(receive_run *run)
{
    amqpc_delivery deliveries[BATCH];
    size_t count = 0;
    amqpc_status status = grant(run);
    if (status == AMQPC_OK) {
        status = await(run, deliveries, &count);
    }
    if (status == AMQPC_OK) {
        write_messages(run, deliveries, count);
        settle_all(run, deliveries, count);
        return true;
    }
    if (status == AMQPC_TIMED_OUT) {
        return false;
    }
    if (status != AMQPC_INTERRUPTED) {
        fail(run, status);
    }
    return status == AMQPC_INTERRUPTED;
}

static void receive_all(receive_run *run)
{
    uint32_t count = run->options.count;
    bool going = true;
    while (going && !interrupt_came() && (count == 0 || run->received < count)) {
        going = receive_some(run);
    }
    if (!run->failed && !interrupt_came() && run->received < count) {
        report("%" PRIu64 " messages came, not %u", run->received, (unsigned)count);
        run->failed = true;
    }
}

/* --- The command. */

static bool open_receiver(receive_run *run)
{
    amqpc_receiver_options options;
    amqpc_source source = {.present = 0};
    amqpc_receiver_options_init(&options, sizeof options);
    options.prefetch = run->options.count == 0 ? run->options.prefetch : 0;
    options.settled = run->options.settled;
    options.selector = run->options.selector;
    options.message_size = 0;
    if (run->options.browse) {
        source.address = (amqpc_bytes){run->options.address, strlen(run->options.address)};
        source.distribution_mode = (amqpc_bytes){"copy", 4};
        source.present = AMQPC_SOURCE_ADDRESS | AMQPC_SOURCE_DISTRIBUTION_MODE;
        options.source = &source;
    }
    amqpc_status status =
        amqpc_receiver_new(run->client, run->options.address, &options, &run->receiver);
    if (status != AMQPC_OK) {
        peer_report(run->client, "the receiver could not be made", status, false, NULL);
        run->failed = true;
        return false;
    }
    uint32_t seconds = run->options.timeout;
    bool is_short = seconds != 0 && seconds < OPEN_SECONDS;
    status =
        amqpc_receiver_wait_open(run->receiver, peer_timeout(is_short ? OPEN_SECONDS : seconds));
    if (status != AMQPC_OK && !interrupt_came()) {
        fail(run, status);
    }
    return status == AMQPC_OK;
}

static int run_receive(receive_run *run, const char *url)
{
    int exit_status = EXIT_BAD_INPUT;
    interrupt_catch();
    run->client = peer_connect(url, &exit_status);
    if (run->client == NULL) {
        return exit_status;
    }
    if (amqpc_buffer_new(NULL, SIZE_MAX, &run->text) != AMQPC_OK) {
        report_no_memory();
    }
    if (open_receiver(run)) {
        receive_all(run);
    }
    amqpc_buffer_free(run->text);
    peer_close(run->client);
    return report_finish(run->failed ? EXIT_BAD_INPUT : EXIT_GOOD);
}

/* Looks at what belongs together, and at the arguments that are no options. */
static int run_arguments(receive_run *run, const char **operands, int count)
{
    receive_options *options = &run->options;
    int needed = options->address == NULL ? 2 : 1;
    if (count < needed) {
        report("%s is missing; see amqpcodec receive --help",
               count == 0 ? "the URL" : "the address");
        return EXIT_USAGE;
    }
    if (count > needed) {
        report("'%s' is one argument too many; see amqpcodec receive --help", operands[needed]);
        return EXIT_USAGE;
    }
    if (options->json + options->raw + options->lines > 1) {
        report("only one of --json, --raw and --lines goes");
        return EXIT_USAGE;
    }
    if (options->accept + options->release + options->reject + options->browse > 1) {
        report("only one of --accept, --release, --reject and --browse goes");
        return EXIT_USAGE;
    }
    if (options->address == NULL) {
        options->address = operands[1];
    }
    return run_receive(run, operands[0]);
}

int receive_command(int argc, char **argv)
{
    const char *operands[2] = {NULL, NULL};
    receive_run run = {.options = {.prefetch = 100}};
    int count = options_parse(&table, argc, argv, &run.options, operands, 2);
    if (count < 0) {
        return EXIT_USAGE;
    }
    return run.options.help ? print_help() : run_arguments(&run, operands, count);
}
