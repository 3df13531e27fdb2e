/* Whether text is one JSON document (RFC 8259), for what the printers write. */
#ifndef TESTS_FUZZ_JSON_CHECK_H
#define TESTS_FUZZ_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True where the text is one JSON value and nothing else. Keys may repeat. UTF-8 is not looked at.
 */
bool json_is_valid(const uint8_t *text, size_t size);

#endif
