/* Whether text is one JSON document (RFC 8259): a step function over a stack of open brackets. */
#include "json_check.h"

#include <string.h>

enum { STACK_MAX = 4096 };

typedef struct json_text {
    const char *at;
    const char *end;
    size_t depth;
    char stack[STACK_MAX]; /* '[' or '{' */
} json_text;

static void skip_space(json_text *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\n')) {
        text->at++;
    }
}

static bool take(json_text *text, char wanted)
{
    skip_space(text);
    if (text->at == text->end || *text->at != wanted) {
        return false;
    }
    text->at++;
    return true;
}

static bool take_word(json_text *text, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(text->end - text->at) < size || memcmp(text->at, word, size) != 0) {
        return false;
    }
    text->at += size;
    return true;
}

static bool take_escape(json_text *text)
{
    if (text->at == text->end) {
        return false;
    }
    char letter = *text->at++;
    if (letter != 'u') {
        return letter != '\0' && strchr("\"\\/bfnrt", letter) != NULL;
    }
    for (int i = 0; i < 4; i++) {
        if (text->at == text->end || *text->at == '\0' ||
            strchr("0123456789abcdefABCDEF", *text->at) == NULL) {
            return false;
        }
        text->at++;
    }
    return true;
}

static bool take_string(json_text *text)
{
    if (!take(text, '"')) {
        return false;
    }
    while (text->at < text->end && *text->at != '"') {
        if ((unsigned char)*text->at < 0x20) {
            return false;
        }
        if (*text->at++ == '\\' && !take_escape(text)) {
            return false;
        }
    }
    return take(text, '"');
}

static bool take_digits(json_text *text)
{
    const char *from = text->at;
    while (text->at < text->end && *text->at >= '0' && *text->at <= '9') {
        text->at++;
    }
    return text->at > from;
}

static bool take_number(json_text *text)
{
    if (*text->at == '-') {
        text->at++;
    }
    const char *from = text->at;
    if (!take_digits(text) || (*from == '0' && text->at > from + 1)) {
        return false;
    }
    if (text->at < text->end && *text->at == '.') {
        text->at++;
        if (!take_digits(text)) {
            return false;
        }
    }
    if (text->at < text->end && (*text->at == 'e' || *text->at == 'E')) {
        text->at++;
        if (text->at < text->end && (*text->at == '+' || *text->at == '-')) {
            text->at++;
        }
        return take_digits(text);
    }
    return true;
}

/* What stands before the value of a member: "key":. */
static bool take_key(json_text *text)
{
    return take_string(text) && take(text, ':');
}

static bool take_scalar(json_text *text)
{
    skip_space(text);
    if (text->at == text->end) {
        return false;
    }
    switch (*text->at) {
    case '"':
        return take_string(text);
    case 'n':
        return take_word(text, "null");
    case 't':
        return take_word(text, "true");
    case 'f':
        return take_word(text, "false");
    default:
        return take_number(text);
    }
}

/* A value, or the start of an object or array that is not empty: then `*complete` is false. */
static bool take_value(json_text *text, bool *complete)
{
    *complete = true;
    skip_space(text);
    if (text->at == text->end || (*text->at != '[' && *text->at != '{')) {
        return take_scalar(text);
    }
    char bracket = *text->at++;
    if (take(text, bracket == '[' ? ']' : '}')) {
        return true;
    }
    if (text->depth == STACK_MAX) {
        return false;
    }
    text->stack[text->depth++] = bracket;
    *complete = false;
    return bracket == '[' || take_key(text);
}

/* Behind a complete value: closes brackets, and goes to the next value if there is one. */
static bool close_brackets(json_text *text)
{
    while (text->depth > 0) {
        char bracket = text->stack[text->depth - 1];
        if (take(text, ',')) {
            return bracket == '[' || take_key(text);
        }
        if (!take(text, bracket == '[' ? ']' : '}')) {
            return false;
        }
        text->depth--;
    }
    return true;
}

bool json_is_valid(const uint8_t *text, size_t size)
{
    json_text json;
    json.at = (const char *)text;
    json.end = json.at + size;
    json.depth = 0;
    do {
        bool complete = false;
        if (!take_value(&json, &complete) || (complete && !close_brackets(&json))) {
            return false;
        }
    } while (json.depth > 0);
    skip_space(&json);
    return json.at == json.end;
}
