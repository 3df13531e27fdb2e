/* What the tests of the writer share: a writer, room to write to, and values made in one line. */
#ifndef TESTS_UNIT_WRITER_FIXTURE_H
#define TESTS_UNIT_WRITER_FIXTURE_H

#include <amqpcodec/amqpcodec.h>

enum { ROOM = 4096, ANY_CODE = AMQPC_CODE_SMALLEST };

extern amqpc_writer *writer;
extern uint8_t room[ROOM];
extern char letters[300];

/* For cmocka: makes and frees the writer. */
int writer_setup(void **state);
int writer_teardown(void **state);

amqpc_value of_unsigned(unsigned type, unsigned code, uint64_t number);
amqpc_value of_signed(unsigned type, unsigned code, int64_t number);
amqpc_value of_boolean(unsigned code, bool boolean);
amqpc_value of_bytes(unsigned type, unsigned code, const void *data, size_t size);
amqpc_value of_text(unsigned type, const char *text);

/* A compound value of AMQPC_FORM_ITEMS, which borrows the items. */
amqpc_value of_items(unsigned type, unsigned code, const amqpc_value *items, uint32_t count);

/* Starts over with all the room there is. */
void start(void);

/* The writer's calls, which must succeed. */
void begin(unsigned type, unsigned code);
void begin_array(unsigned code, unsigned element_code);
void put(amqpc_value value);
void end(void);

/* What was written is complete, and has these hexadecimal digits. */
void assert_written(const char *hex);

/* The value alone is written as these digits, into just as many bytes too; into fewer, it is not.
 */
void assert_encodes(amqpc_value value, const char *hex);

/* The writer takes the value for AMQPC_INVALID_ARGUMENT. */
void assert_refused(amqpc_value value);

#endif
