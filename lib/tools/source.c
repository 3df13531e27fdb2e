/* Reading files and standard input, and guessing what is in them. */
#include "tools/source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <amqpcodec/amqpcodec.h>

#include "tools/pcap_file.h"
#include "tools/report.h"

enum {
    PIECE_SIZE = 65536, /* bytes asked of one read() */
    MAGIC_SIZE = 4
};

/* Reads one piece as it is. */
static source_result read_piece(source *input, window *bytes)
{
    uint8_t *room = window_reserve(bytes, PIECE_SIZE);
    ssize_t count = 0;
    do {
        count = read(input->descriptor, room, PIECE_SIZE);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        report("%s: %s", input->name, strerror(errno));
        return SOURCE_FAILED;
    }
    input->at_end = count == 0;
    window_commit(bytes, (size_t)count);
    return input->at_end ? SOURCE_END : SOURCE_BYTES;
}

/* Whether bytes could be hexadecimal text, as far as they go. */
static bool is_all_hex(const uint8_t *data, size_t size)
{
    uint8_t bytes[PIECE_SIZE / 2 + 1];
    size_t taken = 0;
    hex_decoder hex;
    hex_start(&hex);
    size_t looked_at = size < PIECE_SIZE ? size : PIECE_SIZE;
    (void)hex_decode(&hex, data, looked_at, bytes, &taken);
    return taken == looked_at;
}

/* Whether bytes are meant as hexadecimal text. A text with a mistake in it is recognised where it
 * begins with what no AMQP value can begin with: any digit, white space, # or most of the letters.
 */
static bool is_hex(const uint8_t *data, size_t size)
{
    size_t looked_at =
        size > 0 && amqpc_code_type(data[0]) < 0 && size > MAGIC_SIZE ? MAGIC_SIZE : size;
    return size > 0 && is_all_hex(data, looked_at);
}

static bool detect(source *input)
{
    while (!input->at_end && window_size(&input->ahead) < MAGIC_SIZE) {
        if (read_piece(input, &input->ahead) == SOURCE_FAILED) {
            return false;
        }
    }
    const uint8_t *data = window_data(&input->ahead);
    size_t size = window_size(&input->ahead);
    input->form = INPUT_RAW;
    if (size >= MAGIC_SIZE && pcap_is_magic(data)) {
        input->form = INPUT_PCAP;
    } else if (is_hex(data, size)) {
        input->form = INPUT_HEX;
    }
    return true;
}

bool source_open(source *input, const char *path, input_form form)
{
    bool standard = path == NULL || strcmp(path, "-") == 0;
    *input = (source){
        .name = standard ? "standard input" : path, .descriptor = STDIN_FILENO, .form = form};
    hex_start(&input->hex);
    if (!standard) {
        input->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (input->descriptor < 0) {
        report("%s: %s", path, strerror(errno));
        return false;
    }
    return form != INPUT_AUTO || detect(input);
}

void source_close(source *input)
{
    window_free(&input->ahead);
    if (input->descriptor > STDIN_FILENO) {
        (void)close(input->descriptor);
    }
}

/* What was read ahead, otherwise the next piece. */
static source_result read_plain(source *input, window *bytes)
{
    if (window_size(&input->ahead) > 0) {
        window_append(bytes, window_data(&input->ahead), window_size(&input->ahead));
        window_consume(&input->ahead, window_size(&input->ahead));
        return SOURCE_BYTES;
    }
    return input->at_end ? SOURCE_END : read_piece(input, bytes);
}

static source_result fail_hex(const source *input)
{
    const hex_decoder *hex = &input->hex;
    if (!input->stopped) {
        report("%s: line %" PRIu64 ", column %" PRIu64
               ": the text ends after the first digit of a byte",
               input->name, hex->line, hex->column);
    } else if (isprint(input->stopped_at)) {
        report("%s: line %" PRIu64 ", column %" PRIu64 ": '%c' is not a hexadecimal digit",
               input->name, hex->line, hex->column, input->stopped_at);
    } else {
        report("%s: line %" PRIu64 ", column %" PRIu64
               ": the byte 0x%02x is not a hexadecimal digit",
               input->name, hex->line, hex->column, input->stopped_at);
    }
    return SOURCE_FAILED;
}

/* Decodes one piece of text. Bytes before a wrong character are given first, and it is reported
 * after them. */
static source_result read_hex(source *input, window *bytes)
{
    window text = {0};
    if (input->stopped) {
        return fail_hex(input);
    }
    source_result result = read_plain(input, &text);
    if (result == SOURCE_BYTES) {
        size_t size = window_size(&text);
        size_t taken = 0;
        uint8_t *room = window_reserve(bytes, size / 2 + 1);
        window_commit(bytes, hex_decode(&input->hex, window_data(&text), size, room, &taken));
        input->stopped = taken < size;
        input->stopped_at = input->stopped ? window_data(&text)[taken] : 0;
    } else if (result == SOURCE_END && !hex_may_end(&input->hex)) {
        result = fail_hex(input);
    }
    window_free(&text);
    return result;
}

source_result source_read(source *input, window *bytes)
{
    report_flush();
    return input->form == INPUT_HEX ? read_hex(input, bytes) : read_plain(input, bytes);
}

source_result source_read_at_least(source *input, window *bytes, size_t size)
{
    source_result result = SOURCE_BYTES;
    while (result == SOURCE_BYTES && window_size(bytes) < size) {
        result = source_read(input, bytes);
    }
    return result;
}
