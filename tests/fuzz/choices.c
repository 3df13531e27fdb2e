/* Where the application of a fuzz target takes its decisions from. */
#include "choices.h"

enum { BYTES_MAX = 16384 };

uint8_t choose_byte(choices *from)
{
    if (from->left > 0) {
        from->left--;
        return *from->at++;
    }
    return from->state == 0 ? 0 : (uint8_t)(fuzz_next(&from->state) >> 24);
}

uint32_t choose(choices *from, uint32_t count)
{
    uint32_t number = choose_byte(from);
    if (count > 256) {
        number = number << 8 | choose_byte(from);
    }
    return number % count;
}

bool choose_rarely(choices *from, uint32_t count)
{
    return choose(from, count) == count - 1;
}

uint32_t choose_number(choices *from)
{
    static const uint32_t edges[] = {
        0,          1,          255,        256,        65535, 65536, 0x7ffffffe, 0x7fffffff,
        0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 10000, 511,   512,        1024,
    };
    uint8_t kind = choose_byte(from);
    if (kind < 192) {
        return kind % 16;
    }
    return kind < 240 ? choose_byte(from) : edges[kind - 240];
}

amqpc_bytes choose_bytes(choices *from, size_t size_max)
{
    static uint8_t bytes[BYTES_MAX];
    uint8_t kind = choose_byte(from);
    size_t size = kind < 224 ? kind % 32 : (size_t)(kind - 223) * 512;
    size_max = size_max < BYTES_MAX ? size_max : BYTES_MAX;
    return (amqpc_bytes){bytes, size < size_max ? size : size_max};
}
