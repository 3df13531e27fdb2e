/* UTF-8 and ASCII over longer texts. */
#include "codec/text.h"

enum { BLOCK = 32 };

bool amqpci_ascii_long(const uint8_t *text, size_t size)
{
    const uint8_t *end = text + size;
    uint64_t bits = 0;
    while ((size_t)(end - text) > BLOCK) {
        bits = amqpci_raw64(text) | amqpci_raw64(text + 8) | amqpci_raw64(text + 16) |
               amqpci_raw64(text + 24);
        if ((bits & 0x8080808080808080u) != 0) {
            return false;
        }
        text += BLOCK;
    }
    const uint8_t *last = end - BLOCK;
    bits = amqpci_raw64(last) | amqpci_raw64(last + 8) | amqpci_raw64(last + 16) |
           amqpci_raw64(last + 24);
    return (bits & 0x8080808080808080u) == 0;
}

size_t amqpci_ascii_span(const uint8_t *text, size_t size)
{
    size_t span = 0;
    while (size - span >= 8 && (amqpci_raw64(text + span) & 0x8080808080808080u) == 0) {
        span += 8;
    }
    while (span < size && text[span] < 0x80) {
        span++;
    }
    return span;
}

/* How many bytes the sequence that begins with `lead` has, and the range that its second byte
 * must lie in: this excludes overlong forms, surrogates, and code points above U+10FFFF (RFC
 * 3629, section 4). 0 where no sequence begins so. */
static size_t sequence_size(uint8_t lead, uint8_t *second_min, uint8_t *second_max)
{
    *second_min = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *second_max = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        return 3;
    }
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

static bool sequence_valid(const uint8_t *text, size_t remaining, size_t *sequence)
{
    uint8_t second_min = 0;
    uint8_t second_max = 0;
    size_t size = sequence_size(text[0], &second_min, &second_max);
    if (size == 0 || size > remaining || text[1] < second_min || text[1] > second_max) {
        return false;
    }
    for (size_t i = 2; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return false;
        }
    }
    *sequence = size;
    return true;
}

size_t amqpci_utf8_span(const uint8_t *text, size_t size)
{
    size_t span = 0;
    while (span < size) {
        span += amqpci_ascii_span(text + span, size - span);
        size_t sequence = 0;
        while (span < size && text[span] >= 0x80) {
            if (!sequence_valid(text + span, size - span, &sequence)) {
                return span;
            }
            span += sequence;
        }
    }
    return span;
}
