/* Hexadecimal text to bytes: one step for each character. */
#include "tools/hex.h"

void hex_start(hex_decoder *hex)
{
    *hex = (hex_decoder){.line = 1, .column = 1, .digit = -1};
}

static int digit_value(uint8_t character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'a' && character <= 'f') {
        return character - 'a' + 10;
    }
    if (character >= 'A' && character <= 'F') {
        return character - 'A' + 10;
    }
    return -1;
}

static bool is_space(uint8_t character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

/* A character that is no digit and not in a comment: false where it may not stand here. */
static bool pass_over(hex_decoder *hex, uint8_t character)
{
    if (is_space(character)) {
        return true;
    }
    if (character == '#') {
        hex->in_comment = true;
        return true;
    }
    if ((character == 'x' || character == 'X') && hex->after_zero) {
        hex->digit = -1;
        return true;
    }
    return false;
}

static void count_character(hex_decoder *hex, uint8_t character)
{
    if (character == '\n') {
        hex->line++;
        hex->column = 1;
        hex->in_comment = false;
    } else {
        hex->column++;
    }
}

size_t hex_decode(hex_decoder *hex, const uint8_t *text, size_t size, uint8_t *bytes, size_t *taken)
{
    size_t written = 0;
    for (size_t i = 0; i < size; i++) {
        int value = hex->in_comment ? -1 : digit_value(text[i]);
        bool first_digit = value >= 0 && hex->digit < 0;
        if (first_digit) {
            hex->digit = value;
        } else if (value >= 0) {
            bytes[written++] = (uint8_t)(hex->digit << 4 | value);
            hex->digit = -1;
        } else if (!hex->in_comment && !pass_over(hex, text[i])) {
            *taken = i;
            return written;
        }
        hex->after_zero = first_digit && value == 0;
        count_character(hex, text[i]);
    }
    *taken = size;
    return written;
}

bool hex_may_end(const hex_decoder *hex)
{
    return hex->digit < 0;
}
