/* A demonstration of the codec: a captured stream of AMQP is decoded, frame by frame and message by
 * message, encoded again, found to be the same, and then both are timed.
 *
 *     stream_demo FILE [--quick]
 *
 * FILE holds what one end of a connection sent: protocol headers and frames. Only the public
 * interface is used; nothing is allocated while the clock runs. */
#define _POSIX_C_SOURCE 200809L
#include <amqpcodec/amqpcodec.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FILE_SIZE_MAX = 1 << 20, FRAMES_MAX = 4096, ROUND = 100 };

/* One frame, taken apart: views into the stream. */
typedef struct decoded {
    amqpc_frame frame;
    amqpc_performative performative;
    amqpc_message message; /* holds where has_message */
    bool has_message;
} decoded;

typedef struct capture {
    uint8_t *bytes;
    size_t size;
    size_t header_count;
    size_t message_count;
    size_t frame_count;
    size_t frame_bytes;             /* without the protocol headers */
    const uint8_t **frames;         /* where each frame begins */
    decoded *decoded;               /* and what it holds */
    uint8_t message[FILE_SIZE_MAX]; /* where a message is encoded */
    uint8_t output[FILE_SIZE_MAX];  /* where a frame is encoded */
} capture;

static void stop(const char *what, amqpc_status status, size_t offset)
{
    fprintf(stderr, "%s: %s at byte %zu: %s\n", what, amqpc_status_name(status), offset,
            amqpc_status_text(status));
    exit(1);
}

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) {
        stop("memory", AMQPC_NO_MEMORY, 0);
    }
    return memory;
}

static void read_file(capture *stream, const char *name)
{
    FILE *file = fopen(name, "rb");
    if (file == NULL) {
        perror(name);
        exit(1);
    }
    stream->bytes = (uint8_t *)allocate(FILE_SIZE_MAX);
    stream->size = fread(stream->bytes, 1, FILE_SIZE_MAX, file);
    (void)fclose(file);
}

/* --- The two directions. */

static size_t decode(const capture *stream, const uint8_t *data, decoded *out)
{
    size_t offset = 0;
    size_t size = stream->size - (size_t)(data - stream->bytes);
    amqpc_status status =
        amqpc_frame_decode(data, size, NULL, &out->frame, &out->performative, &offset);
    if (status == AMQPC_OK) {
        const amqpc_bytes payload = out->performative.payload;
        out->has_message = out->performative.type == AMQPC_COMPOSITE_TRANSFER && payload.size > 0;
        if (out->has_message) {
            status = amqpc_message_decode(payload.data, payload.size, NULL, &out->message, NULL);
        }
    }
    if (status != AMQPC_OK) {
        stop("decoding", status, (size_t)(data - stream->bytes) + offset);
    }
    return out->frame.size;
}

static size_t encode(capture *stream, const decoded *in)
{
    size_t size = 0;
    amqpc_status status = AMQPC_OK;
    if (in->has_message) {
        amqpc_bytes payload = {stream->message, 0};
        status = amqpc_message_encode(&in->message, 0, stream->message, sizeof stream->message,
                                      &payload.size);
        if (status == AMQPC_OK) {
            status =
                amqpc_transfer_frame_write(in->frame.channel, &in->performative.as.transfer,
                                           payload, stream->output, sizeof stream->output, &size);
        }
    } else {
        status = amqpc_frame_write((amqpc_frame_type)in->frame.type, in->frame.channel,
                                   &in->performative, stream->output, sizeof stream->output, &size);
    }
    if (status != AMQPC_OK) {
        stop("encoding", status, (size_t)((const uint8_t *)in->frame.body.data - stream->bytes));
    }
    return size;
}

/* --- Before the clock runs: find the frames, and see that encoding gives the same. */

static void find_frames(capture *stream)
{
    stream->frames = (const uint8_t **)allocate(FRAMES_MAX * sizeof *stream->frames);
    stream->decoded = (decoded *)allocate(FRAMES_MAX * sizeof *stream->decoded);
    for (size_t at = 0; at < stream->size;) {
        const uint8_t *data = stream->bytes + at;
        amqpc_protocol protocol;
        if (amqpc_protocol_header_parse(data, stream->size - at, &protocol, NULL) == AMQPC_OK) {
            stream->header_count++;
            at += AMQPC_PROTOCOL_HEADER_SIZE;
            continue;
        }
        if (stream->frame_count == FRAMES_MAX) {
            stop("frames", AMQPC_BUFFER_FULL, at);
        }
        decoded *frame = &stream->decoded[stream->frame_count];
        stream->frames[stream->frame_count++] = data;
        at += decode(stream, data, frame);
        stream->frame_bytes += frame->frame.size;
        stream->message_count += frame->has_message;
    }
}

/* Appends a frame as text, in the notation of docs/notation.md, which keeps every type and every
 * bit. */
static void print(const amqpc_frame *frame, amqpc_buffer *buffer)
{
    amqpc_status status = amqpc_frame_print(frame, NULL, AMQPC_PRINT_TEXT, buffer);
    if (status != AMQPC_OK) {
        stop("printing", status, amqpc_buffer_size(buffer));
    }
}

static bool same_after_encoding(capture *stream, const decoded *frame, amqpc_buffer *buffer)
{
    amqpc_frame encoded;
    amqpc_status status =
        amqpc_frame_parse(stream->output, encode(stream, frame), NULL, &encoded, NULL);
    if (status != AMQPC_OK) {
        stop("parsing what was encoded", status, 0);
    }
    amqpc_buffer_truncate(buffer, 0);
    print(&frame->frame, buffer);
    size_t half = amqpc_buffer_size(buffer);
    print(&encoded, buffer);
    const uint8_t *text = amqpc_buffer_data(buffer);
    return amqpc_buffer_size(buffer) == 2 * half && memcmp(text, text + half, half) == 0;
}

static size_t count_same(capture *stream)
{
    amqpc_buffer *buffer;
    size_t same = 0;
    amqpc_status status = amqpc_buffer_new(NULL, SIZE_MAX, &buffer);
    if (status != AMQPC_OK) {
        stop("a buffer", status, 0);
    }
    for (size_t i = 0; i < stream->frame_count; i++) {
        same += same_after_encoding(stream, &stream->decoded[i], buffer);
    }
    amqpc_buffer_free(buffer);
    return same;
}

/* --- The clock. */

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void decode_all(capture *stream)
{
    decoded frame;
    for (size_t i = 0; i < stream->frame_count; i++) {
        (void)decode(stream, stream->frames[i], &frame);
    }
}

static void encode_all(capture *stream)
{
    for (size_t i = 0; i < stream->frame_count; i++) {
        (void)encode(stream, &stream->decoded[i]);
    }
}

static void measure(capture *stream, const char *what, void (*pass)(capture *), double duration)
{
    double start = seconds();
    double elapsed = 0;
    size_t passes = 0;
    do {
        for (int i = 0; i < ROUND; i++) {
            pass(stream);
        }
        passes += ROUND;
        elapsed = seconds() - start;
    } while (elapsed < duration);
    double frames = (double)passes * (double)stream->frame_count;
    double bytes = (double)passes * (double)stream->frame_bytes;
    printf("%-10s %8.0f MB/s %8.2f million frames/s %8.0f ns a frame\n", what,
           bytes / elapsed / 1e6, frames / elapsed / 1e6, elapsed / frames * 1e9);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: stream_demo FILE [--quick]\n");
        return 2;
    }
    double duration = argc > 2 && strcmp(argv[2], "--quick") == 0 ? 0.01 : 2;
    capture *stream = allocate(sizeof *stream);
    read_file(stream, argv[1]);
    find_frames(stream);
    printf("%zu bytes: %zu protocol headers, %zu frames, %zu of them with a message\n",
           stream->size, stream->header_count, stream->frame_count, stream->message_count);
    size_t same = count_same(stream);
    printf("%zu of %zu frames are the same after decoding and encoding\n", same,
           stream->frame_count);
    measure(stream, "decode", decode_all, duration);
    measure(stream, "encode", encode_all, duration);
    bool good = same == stream->frame_count && same > 0;
    free(stream->bytes);
    free((void *)stream->frames);
    free(stream->decoded);
    free(stream);
    return good ? 0 : 1;
}
