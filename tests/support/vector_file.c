/* Reading the vectors, tests/vectors. */
#include "support/vector_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 7 };

static void die(const char *file, unsigned line, const char *what)
{
    fprintf(stderr, "%s:%u: %s\n", file, line, what);
    exit(2);
}

static void *grow(void *memory, size_t size)
{
    void *grown = realloc(memory, size);
    if (grown == NULL) {
        die("memory", 0, "exhausted");
    }
    return grown;
}

static char *read_file(const char *folder, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        die(path, 0, "cannot be opened");
    }
    size_t size = 0;
    char *text = NULL;
    for (size_t got = 1; got > 0; size += got) {
        text = (char *)grow(text, size + 65536 + 1);
        got = fread(text + size, 1, 65536, file);
    }
    text[size] = '\0';
    (void)fclose(file);
    return text;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal digits to a block of exactly as many bytes, so that sanitizers see every read
 * beyond. */
static void parse_hex(test_vector *vector, const char *hex)
{
    size_t digits = strlen(hex);
    if (digits % 2 != 0) {
        die(vector->file, vector->line, "odd number of digits");
    }
    vector->size = digits / 2;
    vector->bytes = (uint8_t *)grow(NULL, vector->size == 0 ? 1 : vector->size);
    for (size_t i = 0; i < vector->size; i++) {
        int high = digit(hex[2 * i]);
        int low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) {
            die(vector->file, vector->line, "not a lower-case digit");
        }
        vector->bytes[i] = (uint8_t)(high << 4 | low);
    }
}

static void parse_line(vector_set *set, const char *file, unsigned line, char *text)
{
    char *columns[COLUMNS];
    char *rest = text;
    for (int i = 0; i < COLUMNS; i++) {
        char *tab = i + 1 < COLUMNS ? strchr(rest, '\t') : NULL;
        if (tab == NULL && i + 1 < COLUMNS) {
            die(file, line, "too few columns");
        }
        if (tab != NULL) {
            *tab = '\0';
        }
        columns[i] = rest;
        rest = tab != NULL ? tab + 1 : rest;
    }
    set->vectors = (test_vector *)grow(set->vectors, (set->count + 1) * sizeof *set->vectors);
    test_vector *vector = &set->vectors[set->count++];
    *vector = (test_vector){
        .file = file,
        .line = line,
        .kind = columns[0],
        .origin = columns[1],
        .name = columns[2],
        .status = columns[3],
        .offset = (size_t)strtoull(columns[4], NULL, 10),
        .text = columns[6],
    };
    parse_hex(vector, columns[5]);
}

static void keep(vector_set *set, char *memory)
{
    set->storage = grow(set->storage, (set->storage_count + 1) * sizeof(char *));
    ((char **)set->storage)[set->storage_count++] = memory;
}

static void read_vectors(vector_set *set, const char *folder, const char *name)
{
    size_t name_size = strlen(name) + 1;
    char *file = (char *)grow(NULL, name_size);
    memcpy(file, name, name_size);
    char *text = read_file(folder, name);
    keep(set, file);
    keep(set, text);
    unsigned line = 0;
    for (char *at = text; *at != '\0';) {
        char *end = strchr(at, '\n');
        line++;
        if (end == NULL) {
            die(file, line, "no newline at the end");
        }
        *end = '\0';
        if (*at != '#' && *at != '\0') {
            parse_line(set, file, line, at);
        }
        at = end + 1;
    }
}

vector_set vector_set_read(void)
{
    vector_set set = {0};
    const char *folder = getenv("AMQPCODEC_VECTORS");
    DIR *directory = folder == NULL ? NULL : opendir(folder);
    if (directory == NULL) {
        die("AMQPCODEC_VECTORS", 0, "names no folder");
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot != NULL && strcmp(dot, ".tsv") == 0) {
            read_vectors(&set, folder, entry->d_name);
        }
    }
    (void)closedir(directory);
    return set;
}

void vector_set_free(vector_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->vectors[i].bytes);
    }
    for (size_t i = 0; i < set->storage_count; i++) {
        free(((char **)set->storage)[i]);
    }
    free(set->storage);
    free(set->vectors);
    *set = (vector_set){0};
}
