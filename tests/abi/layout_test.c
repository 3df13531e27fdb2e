/* Sizes, alignments and offsets of every public struct, and the numbers of every public constant:
 * layout.def against the compiler.
 *
 * layout.def is of 64-bit machines; elsewhere only the constants are compared. */
#include <amqpcodec/amqpcodec.h>

#include <stdio.h>

typedef struct row {
    const char *what;
    long long expected;
    long long found;
} row;

#define MEMBER_SIZE(type, member) sizeof(((const type *)0)->member)

static const row structs[] = {
#define STRUCT(type, size, alignment)                                                              \
    {"size of " #type, size, (long long)sizeof(type)},                                             \
        {"alignment of " #type, alignment, (long long)_Alignof(type)},
#define MEMBER(type, member, offset, size)                                                         \
    {"offset of " #type "." #member, offset, (long long)offsetof(type, member)},                   \
        {"size of " #type "." #member, size, (long long)MEMBER_SIZE(type, member)},
#define CONSTANT(name, value)
#include "layout.def"
#undef STRUCT
#undef MEMBER
#undef CONSTANT
};

static const row constants[] = {
#define STRUCT(type, size, alignment)
#define MEMBER(type, member, offset, size)
#define CONSTANT(name, value) {#name, value, (long long)(name)},
#include "layout.def"
};

static int compare(const row *rows, size_t count)
{
    int faults = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].expected != rows[i].found) {
            printf("%s is %lld, was %lld\n", rows[i].what, rows[i].found, rows[i].expected);
            faults++;
        }
    }
    return faults;
}

int main(void)
{
    int faults = compare(constants, sizeof constants / sizeof constants[0]);
    if (sizeof(void *) == 8) {
        faults += compare(structs, sizeof structs / sizeof structs[0]);
    }
    printf("%zu constants, %zu sizes and offsets, %d differ\n",
           sizeof constants / sizeof constants[0], sizeof structs / sizeof structs[0], faults);
    return faults != 0;
}
