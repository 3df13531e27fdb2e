/* `amqpcodec dump`: options, and which part shows what. */
#include "tools/dump.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/options.h"
#include "tools/report.h"

#define MEMBER(name) offsetof(dump_options, name)

static const option_row rows[] = {
    {"input", "raw|hex|pcap|auto", OPTION_CHOICE, MEMBER(input), 0, 0,
     "how the bytes are written down. auto (the default): a capture by its first bytes,\n"
     "hexadecimal text where there is nothing else, otherwise raw bytes"},
    {"as", "value|message|stream|auto", OPTION_CHOICE, MEMBER(as), 0, 0,
     "what the bytes are: values one after the other, one message, or protocol headers and\n"
     "frames. auto (the default): a stream where the bytes begin with AMQP or come from a\n"
     "capture, otherwise values"},
    {"json", NULL, OPTION_FLAG, MEMBER(json), 0, 0,
     "print a JSON document a line for each value, message or frame"},
    {"port", "N", OPTION_NUMBER, MEMBER(port), 1, 65535,
     "of a capture show the connections of this TCP port; without it, those that begin with\n"
     "a protocol header of AMQP"},
    {"no-header", NULL, OPTION_FLAG, MEMBER(no_header), 0, 0,
     "a stream begins with a frame, not with a protocol header"},
    {"max-frame-size", "BYTES", OPTION_NUMBER, MEMBER(max_frame_size), AMQPC_MIN_MAX_FRAME_SIZE,
     UINT32_MAX,
     "refuse larger frames. Default: what either side's open announces, at least 65536"},
    {"max-message-size", "BYTES", OPTION_NUMBER, MEMBER(max_message_size), 1, INT32_MAX,
     "refuse larger values, messages and deliveries. Default: 268435456"},
    {"channels", "N", OPTION_NUMBER, MEMBER(limits.channels), 1, 65536,
     "refuse frames of channel N and above. Default: 65536"},
    {"depth", "N", OPTION_NUMBER, MEMBER(limits.depth), 1, AMQPC_DEPTH_MAX,
     "refuse compound values nested deeper. Default: 32"},
    {"compound-elements", "N", OPTION_NUMBER, MEMBER(limits.compound_elements), 1, UINT32_MAX,
     "refuse lists, maps and arrays of more elements. Default: 65536"},
    {"performative-values", "N", OPTION_NUMBER, MEMBER(limits.performative_values), 1, UINT32_MAX,
     "refuse performatives of more nested values. Default: 1024"},
    {"zero-width-elements", "N", OPTION_NUMBER, MEMBER(limits.zero_width_elements), 1, UINT32_MAX,
     "refuse more array elements that take no byte. Default: 1024"},
    {"help", NULL, OPTION_FLAG, MEMBER(help), 0, 0, "print this help"},
};

static const option_table table = {"dump", rows, sizeof rows / sizeof rows[0]};

static const uint32_t form_of_choice[] = {INPUT_RAW, INPUT_HEX, INPUT_PCAP, INPUT_AUTO};
static const uint32_t as_of_choice[] = {AS_VALUE, AS_MESSAGE, AS_STREAM, AS_AUTO};

static int print_help(void)
{
    printf("Usage: amqpcodec dump [OPTION...] [FILE]\n"
           "\n"
           "Shows what AMQP 1.0 bytes say. FILE, or standard input, holds raw bytes, hexadecimal "
           "text or a\n"
           "capture (pcap). What was decoded goes to standard output; what could not be is "
           "explained on\n"
           "standard error, and 1 is returned then. A wrong command line returns 2.\n"
           "\n"
           "Options:\n");
    options_print_help(&table);
    return report_finish(EXIT_GOOD);
}

static void print_arguments(dump *run, const char *format, va_list arguments)
{
    char text[256];
    int size = vsnprintf(text, sizeof text, format, arguments);
    size_t used = size < 0 ? 0 : (size_t)size < sizeof text ? (size_t)size : sizeof text - 1;
    (void)dump_check(amqpc_buffer_append(run->line, text, used));
}

void dump_print(dump *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_arguments(run, format, arguments);
    va_end(arguments);
}

void dump_print_hex(dump *run, const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = (const uint8_t *)data;
    char text[256];
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        text[used++] = digits[bytes[i] >> 4];
        text[used++] = digits[bytes[i] & 15];
        if (used == sizeof text || i + 1 == size) {
            (void)dump_check(amqpc_buffer_append(run->line, text, used));
            used = 0;
        }
    }
}

void dump_end_line(dump *run)
{
    dump_print(run, "\n");
    if (fwrite(amqpc_buffer_data(run->line), 1, amqpc_buffer_size(run->line), stdout) !=
        amqpc_buffer_size(run->line)) {
        report_flush();
    }
    amqpc_buffer_truncate(run->line, 0);
}

bool dump_check(amqpc_status status)
{
    if (status == AMQPC_NO_MEMORY) {
        report_no_memory();
    }
    return status == AMQPC_OK;
}

void dump_report_fault(dump *run, const dump_fault *fault)
{
    static const char *const names[] = {[AMQPC_INPUT_VALUE] = "value",
                                        [AMQPC_INPUT_MESSAGE] = "message",
                                        [AMQPC_INPUT_FRAME] = "frame"};
    run->bad_input = true;
    amqpc_buffer *text = NULL;
    (void)dump_check(amqpc_buffer_new(NULL, SIZE_MAX, &text));
    report("%s: %soffset %llu: %s: %s; in the %s from offset %llu:", run->input.name, fault->mark,
           (unsigned long long)fault->offset, amqpc_status_name(fault->status),
           amqpc_status_text(fault->status), names[fault->kind], (unsigned long long)fault->start);
    if (dump_check(amqpc_explain(fault->kind, fault->data, fault->size, fault->limits, text))) {
        (void)fwrite(amqpc_buffer_data(text), 1, amqpc_buffer_size(text), stderr);
    }
    amqpc_buffer_free(text);
}

void dump_report(dump *run, const char *mark, uint64_t offset, const char *text, ...)
{
    char message[256];
    va_list arguments;
    run->bad_input = true;
    va_start(arguments, text);
    (void)vsnprintf(message, sizeof message, text, arguments);
    va_end(arguments);
    report("%s: %soffset %llu: %s", run->input.name, mark, (unsigned long long)offset, message);
}

/* Whether the input begins with "AMQP". No more is read than is needed to know. */
static bool begins_with_header(dump *run, window *bytes)
{
    static const char name[] = "AMQP";
    const size_t name_size = sizeof name - 1;
    source_result result = SOURCE_BYTES;
    for (;;) {
        size_t size = window_size(bytes);
        size_t compared = size < name_size ? size : name_size;
        if (memcmp(window_data(bytes), name, compared) != 0) {
            return false;
        }
        if (compared == name_size || result != SOURCE_BYTES) {
            return compared == name_size;
        }
        result = source_read(&run->input, bytes);
        run->bad_input = run->bad_input || result == SOURCE_FAILED;
    }
}

/* Raw or hexadecimal input: what its bytes are is seen from the first four, if it was not said. */
static void dump_bytes(dump *run, window *bytes)
{
    dump_as as = (dump_as)run->options.as;
    if (as == AS_AUTO) {
        as = run->options.no_header || begins_with_header(run, bytes) ? AS_STREAM : AS_VALUE;
    }
    if (as == AS_VALUE) {
        dump_values(run, bytes);
    } else if (as == AS_MESSAGE) {
        dump_message(run, bytes);
    } else {
        dump_stream(run, bytes);
    }
}

static int run_dump(dump *run, const char *path)
{
    window bytes = {0};
    if (!source_open(&run->input, path, (input_form)run->options.input)) {
        return EXIT_BAD_INPUT;
    }
    if (run->input.form == INPUT_PCAP && run->options.as != AS_AUTO &&
        run->options.as != AS_STREAM) {
        report("a capture holds streams; --as can be nothing else for it");
        source_close(&run->input);
        return EXIT_USAGE;
    }
    (void)dump_check(amqpc_buffer_new(NULL, SIZE_MAX, &run->line));
    if (run->input.form == INPUT_PCAP) {
        dump_capture(run, &bytes);
    } else {
        dump_bytes(run, &bytes);
    }
    amqpc_buffer_free(run->line);
    window_free(&bytes);
    source_close(&run->input);
    return report_finish(run->bad_input ? EXIT_BAD_INPUT : EXIT_GOOD);
}

int dump_command(int argc, char **argv)
{
    const uint32_t last_choice = 3; /* auto */
    dump run = {.options = {.input = last_choice, .as = last_choice, .max_message_size = 1u << 28}};
    dump_options *options = &run.options;
    amqpc_limits_init(&options->limits, sizeof options->limits);
    options->limits.channels = UINT16_MAX + 1;
    const char *path = NULL;
    if (options_parse(&table, argc, argv, options, &path, 1) < 0) {
        return EXIT_USAGE;
    }
    if (options->help) {
        return print_help();
    }
    options->input = form_of_choice[options->input];
    options->as = as_of_choice[options->as];
    if (options->max_frame_size != 0) {
        options->limits.frame_size = options->max_frame_size;
    }
    run.format = options->json ? AMQPC_PRINT_JSON : AMQPC_PRINT_TEXT;
    return run_dump(&run, path);
}
