/* Frames that a peer may send, made up of small numbers. */
#ifndef TESTS_FUZZ_FRAME_TEMPLATES_H
#define TESTS_FUZZ_FRAME_TEMPLATES_H

#include "fuzz.h"

enum { FRAME_TEMPLATE_MAX = 2048 };

/* Writes a frame of any type; state: of fuzz_next. delivery_id: of a transfer. Gives its size. */
size_t frame_template(uint64_t *state, uint32_t delivery_id, uint8_t *data);

/* Writes protocol headers, open, begin and attaches. client: as a client says them, otherwise as a
 * server answers the players' session and links. Gives the size, up to FRAME_TEMPLATE_MAX. */
size_t conversation_template(bool client, bool sasl, uint8_t *data);

#endif
