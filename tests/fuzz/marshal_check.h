/* Reads what the Python binding writes for marshal, and checks that it is what Python takes. */
#ifndef TESTS_FUZZ_MARSHAL_CHECK_H
#define TESTS_FUZZ_MARSHAL_CHECK_H

#include <stddef.h>
#include <stdint.h>

/* Stops the fuzzer unless the bytes are one object of marshal, of the codes that the binding uses:
 * sizes that fit, references to texts that came before, texts that are UTF-8 or ASCII as they say,
 * and dicts without keys that have no hash. */
void marshal_check(const uint8_t *data, size_t size);

#endif
