/* `amqpcodec dump --as value` and `--as message`. */
#include "tools/dump.h"
#include "tools/report.h"

/* A composite with the names of its fields, if it is a valid one; any other value as it is. */
static void print_value(dump *run, const amqpc_value *value)
{
    bool printed = amqpc_value_composite(value) != AMQPC_COMPOSITE_NONE &&
                   dump_check(amqpc_composite_print(value, run->format, run->line));
    if (!printed) {
        (void)dump_check(amqpc_value_print(value, run->format, run->line));
    }
    dump_end_line(run);
}

static void report_value(dump *run, const window *bytes, amqpc_status status, size_t offset)
{
    dump_fault fault = {.mark = "",
                        .status = status,
                        .offset = bytes->offset + offset,
                        .start = bytes->offset,
                        .kind = AMQPC_INPUT_VALUE,
                        .data = window_data(bytes),
                        .size = window_size(bytes),
                        .limits = &run->options.limits};
    dump_report_fault(run, &fault);
}

/* Prints all values that are complete. Returns the status of the one after them. */
static amqpc_status print_values(dump *run, window *bytes, size_t *offset)
{
    amqpc_value value;
    for (;;) {
        *offset = 0;
        if (window_size(bytes) == 0) {
            return AMQPC_TRUNCATED;
        }
        amqpc_status status = amqpc_value_decode(window_data(bytes), window_size(bytes),
                                                 &run->options.limits, &value, offset);
        if (status != AMQPC_OK) {
            return status;
        }
        print_value(run, &value);
        window_consume(bytes, *offset);
    }
}

void dump_values(dump *run, window *bytes)
{
    size_t offset = 0;
    size_t wanted = 1;
    source_result result = SOURCE_BYTES;
    amqpc_status status = AMQPC_TRUNCATED;
    while (result == SOURCE_BYTES && status == AMQPC_TRUNCATED) {
        result = source_read_at_least(&run->input, bytes, wanted);
        status = print_values(run, bytes, &offset);
        if (status == AMQPC_TRUNCATED && window_size(bytes) > run->options.max_message_size) {
            dump_report(run, "", bytes->offset, "the value is larger than --max-message-size, %u",
                        run->options.max_message_size);
            return;
        }
        /* A value is tried again when twice as much of it is there: all tries together take linear
         * time. */
        wanted = window_size(bytes) * 2 + 1;
    }
    if (status != AMQPC_TRUNCATED || (result == SOURCE_END && window_size(bytes) > 0)) {
        report_value(run, bytes, status, offset);
    }
    run->bad_input = run->bad_input || result == SOURCE_FAILED;
}

void dump_message(dump *run, window *bytes)
{
    size_t wanted = (size_t)run->options.max_message_size + 1;
    source_result result = source_read_at_least(&run->input, bytes, wanted);
    if (result == SOURCE_FAILED) {
        run->bad_input = true;
        return;
    }
    if (window_size(bytes) >= wanted) {
        dump_report(run, "", 0, "the message is larger than --max-message-size, %u",
                    run->options.max_message_size);
        return;
    }
    amqpc_message message;
    dump_fault fault = {.mark = "",
                        .kind = AMQPC_INPUT_MESSAGE,
                        .data = window_data(bytes),
                        .size = window_size(bytes),
                        .limits = &run->options.limits};
    size_t offset = 0;
    fault.status = amqpc_message_decode(fault.data, fault.size, fault.limits, &message, &offset);
    if (fault.status != AMQPC_OK) {
        fault.offset = offset;
        dump_report_fault(run, &fault);
        return;
    }
    (void)dump_check(amqpc_message_print(&message, run->format, run->line));
    dump_end_line(run);
}
