/* Reads what the Python binding writes for marshal. */
#include "marshal_check.h"

#include "codec/text.h"
#include "fuzz.h"

enum {
    REFERABLE = 0x80,
    LEVELS = 512, /* each level of a value is a mark and a list at most */
    HAS_NO_END = -1
};

typedef struct container {
    int64_t remaining; /* objects to come; HAS_NO_END of a dict, which has a code for it */
    bool key_is_next;
} container;

typedef struct stream {
    const uint8_t *position;
    const uint8_t *end;
    uint32_t texts; /* that may be referred to */
    unsigned depth;
    container containers[LEVELS];
} stream;

static const uint8_t *take(stream *in, size_t size)
{
    const uint8_t *from = in->position;
    FUZZ_CHECK(size <= (size_t)(in->end - from));
    in->position = from + size;
    return from;
}

static int32_t take_int(stream *in)
{
    const uint8_t *from = take(in, 4);
    return (int32_t)((uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
                     (uint32_t)from[3] << 24);
}

static size_t take_size(stream *in)
{
    int32_t size = take_int(in);
    FUZZ_CHECK(size >= 0);
    return (size_t)size;
}

/* An integer beyond 32 bits: its highest digit is not 0, and no digit has more than 15 bits. */
static void check_digits(stream *in)
{
    int32_t count = take_int(in);
    uint32_t magnitude = count < 0 ? 0 - (uint32_t)count : (uint32_t)count;
    FUZZ_CHECK(magnitude >= 3 && magnitude <= 5);
    unsigned digit = 0;
    for (uint32_t i = 0; i < magnitude; i++) {
        const uint8_t *from = take(in, 2);
        digit = (unsigned)from[0] | (unsigned)from[1] << 8;
        FUZZ_CHECK(digit < 1u << 15);
    }
    FUZZ_CHECK(digit != 0);
}

static void check_text(stream *in, unsigned code, bool referable)
{
    size_t size = code == 'z' ? *take(in, 1) : take_size(in);
    const uint8_t *text = take(in, size);
    size_t ascii = amqpci_ascii_span(text, size);
    FUZZ_CHECK(code == 'u' ? ascii < size && amqpci_utf8_span(text, size) == size : ascii == size);
    in->texts += referable;
}

static void enter(stream *in, int64_t remaining)
{
    FUZZ_CHECK(in->depth < LEVELS);
    in->containers[in->depth++] = (container){remaining, true};
}

/* Everything that has no objects in it. */
static void check_scalar(stream *in, unsigned code)
{
    switch (code) {
    case 'N':
    case 'T':
    case 'F':
        break;
    case 'i':
        (void)take_int(in);
        break;
    case 'l':
        check_digits(in);
        break;
    case 'g':
        (void)take(in, 8);
        break;
    case 's':
        (void)take(in, take_size(in));
        break;
    case 'r':
        FUZZ_CHECK(take_size(in) < in->texts);
        break;
    default:
        FUZZ_CHECK(code == 'r'); /* nothing else is left that the binding uses */
    }
}

static void check_object(stream *in)
{
    unsigned byte = *take(in, 1);
    unsigned code = byte & ~(unsigned)REFERABLE;
    bool referable = byte != code;
    if (code == 'z' || code == 'a' || code == 'u') {
        check_text(in, code, referable);
        return;
    }
    FUZZ_CHECK(!referable);
    if (code == '[') {
        enter(in, (int64_t)take_size(in));
    } else if (code == ')') {
        enter(in, *take(in, 1));
    } else if (code == '{') {
        enter(in, HAS_NO_END);
    } else {
        check_scalar(in, code);
    }
}

/* The next object of the innermost container, or its end. */
static void step(stream *in)
{
    container *top = &in->containers[in->depth - 1];
    if (top->remaining == 0) {
        in->depth--;
        return;
    }
    if (top->remaining != HAS_NO_END) {
        top->remaining--;
        check_object(in);
        return;
    }
    FUZZ_CHECK(in->position < in->end);
    if (top->key_is_next && *in->position == '0') {
        in->position++;
        in->depth--;
        return;
    }
    FUZZ_CHECK(!top->key_is_next || (*in->position != '[' && *in->position != '{'));
    top->key_is_next = !top->key_is_next;
    check_object(in);
}

void marshal_check(const uint8_t *data, size_t size)
{
    static stream in;
    in.position = data;
    in.end = data + size;
    in.texts = 0;
    in.depth = 0;
    enter(&in, 1);
    while (in.depth > 0) {
        step(&in);
    }
    FUZZ_CHECK(in.position == in.end);
}
