/* The lines of a run log to columns of numbers: the fast twin of columns.py, for lines that are beyond doubt.
 *
 * It decides nothing. It takes a line only where it understands the whole of it: a strict JSON object in strict UTF-8,
 * known keys once and of the right type, numbers that it represents exactly as Python does. At any other line it stops,
 * and says where the next one begins that it understands; what stands before that is the Python decoder's.
 *
 * No byte is read without knowing that it is there: lines end with a line break, every loop below stops at one,
 * and words of eight bytes are read only where the buffer has so many. No function calls itself.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#if FLT_EVAL_METHOD != 0 || !defined(__SIZEOF_INT128__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "needs doubles without excess precision, integers of 128 bits, and the lower byte first"
#endif
#ifndef SCANNER_SOURCE
#define SCANNER_SOURCE ""
#endif

__extension__ typedef unsigned __int128 wide;
typedef const uint8_t *cursor;

/* What this file and scanner.py say to each other: a change of the arguments or of the answer changes the number. */
enum { INTERFACE = 4 };

/* Of so many of the latest runs an end is looked for its start first: most stand that near. */
enum { NEAR = 8 };
enum { MOST_DEPTH = 64, MOST_DIGITS = 18, MOST_NUMBER = 32, MOST_GROUPS = 255, SLOTS = 1024 };
/* No shorter line is an end, or a start. */
enum { LEAST_END = 46, LEAST_RUN = 21 };

enum kind { START = 1, END = 2, OTHER = 3 };
enum field { EVENT, TRACE, COMMAND, TIME, TIME_TEXT, EXIT_CODE, STATUS, ITEM, DURATION, ERROR, FIELDS, UNKNOWN = FIELDS };
#define HAS(line, field) ((line)->seen >> (field) & 1)

struct text {
    cursor at;
    size_t size;
    int escaped;
};

struct line {
    unsigned seen, null; /* a bit for each field */
    enum kind kind;
    struct text texts[FIELDS];
    int64_t time, exit_code;
    double duration;
};

struct group {
    struct text command;
    int64_t exit_code;
};

struct run {
    uint32_t line, kind, offset, size; /* `offset` NO_TRACE: it has none */
};
#define NO_TRACE UINT32_MAX

/* Where the text of a field stands; `size` 0: it says nothing; `offset` ESCAPED: it stands there with escapes. */
struct span {
    uint32_t offset, size;
};
#define ESCAPED UINT32_MAX
enum { ITEMS = 1, ERRORS = 2, SPANS = 2 };
static const enum field SPANNED[SPANS] = {ITEM, ERROR};

struct scan {
    cursor begin, limit;
    uint64_t secrets[3];
    int64_t least_time, greatest_time, since, until;
    int details, windowed, fields; /* `fields`: ITEMS, ERRORS, both or none */

    uint32_t lines;
    int dated;
    int64_t least, greatest;
    cursor newest;
    int64_t low, high; /* of the ends that may stand in a log again */
    size_t ends, timed, measured, room, counts_size, rest_count;
    uint32_t *counts; /* of whole durations, by their milliseconds; the others are in `rest` */
    uint32_t *numbers, *offsets;
    int64_t *times;
    double *durations, *rest;
    uint64_t *keys;
    uint8_t *has_time, *group_of;
    struct span *spans[SPANS];
    struct group groups[MOST_GROUPS];
    size_t group_count;
    uint16_t slots[SLOTS];
    struct run *runs;
    uint64_t *run_hashes;
    size_t run_count, run_room, loose, equal;
    uint8_t *scratch;
};

/* ---- JSON: each function returns where it stopped, or NULL for what it does not take */

static cursor
skip_space(cursor at)
{
    while (*at == ' ' || *at == '\t' || *at == '\r')
        at++;
    return at;
}

static int
is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static int
is_tail(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

static cursor
skip_utf8(cursor at)
{
    uint8_t first = at[0], second;
    if (first < 0xC2 || first > 0xF4)
        return NULL;
    second = at[1];
    if (!is_tail(second))
        return NULL;
    if (first < 0xE0)
        return at + 2;
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F))
        return NULL;
    if (!is_tail(at[2]))
        return NULL;
    if (first < 0xF0)
        return at + 3;
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
        return NULL;
    return is_tail(at[3]) ? at + 4 : NULL;
}

/* Four hexadecimal digits to their value; -1 for anything else. */
static int32_t
hex4(cursor at)
{
    int32_t value = 0;
    for (int digit = 0; digit < 4; digit++) {
        uint8_t byte = at[digit];
        if (is_digit(byte))
            value = value << 4 | (byte - '0');
        else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
            value = value << 4 | ((byte | 0x20) - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* A `\u` escape whose digits begin at `at`, and the one behind it where both are one character. */
static cursor
read_unicode(cursor at, uint32_t *code)
{
    int32_t high = hex4(at), low;
    if (high < 0)
        return NULL;
    *code = (uint32_t)high;
    if (high < 0xD800 || high > 0xDFFF)
        return at + 4;
    if (high > 0xDBFF || at[4] != '\\' || at[5] != 'u')
        return NULL;
    low = hex4(at + 6);
    if (low < 0xDC00 || low > 0xDFFF)
        return NULL;
    *code = 0x10000 + ((uint32_t)(high - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
    return at + 10;
}

static cursor
skip_escape(cursor at)
{
    uint32_t code;
    switch (at[1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
        return at + 2;
    case 'u':
        return read_unicode(at + 2, &code);
    default:
        return NULL;
    }
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
/* The highest bit of each byte that is zero; of bytes behind the first such one it may be wrong. */
#define ZEROS(word) (((word) - EACH(1)) & ~(word) & EACH(0x80))

/* Pass the bytes of a text that stand for themselves: no quote, no backslash, nothing below 0x20 or above 0x7F. */
static cursor
skip_plain(cursor at, cursor limit)
{
    uint64_t word, stops;
#ifdef __SSE2__
    while (limit - at >= 16) { /* as signed bytes those above 0x7F are below 0x20 too */
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        __m128i found = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
        int mask = _mm_movemask_epi8(_mm_or_si128(found, _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20))));
        if (mask)
            return at + __builtin_ctz((unsigned)mask);
        at += 16;
    }
#endif
    while (limit - at >= 8) {
        memcpy(&word, at, 8);
        stops = ZEROS(word ^ EACH('"')) | ZEROS(word ^ EACH('\\')) | ((word - EACH(0x20)) & ~word & EACH(0x80))
                | (word & EACH(0x80));
        if (stops)
            return at + (__builtin_ctzll(stops) >> 3);
        at += 8;
    }
    while (*at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* A text whose opening quote stands at `at`. */
static cursor
read_text(cursor at, cursor limit, struct text *text)
{
    text->at = ++at;
    text->escaped = 0;
    for (;;) {
        at = skip_plain(at, limit);
        if (*at == '"') {
            text->size = (size_t)(at - text->at);
            return at + 1;
        }
        if (*at == '\\') {
            text->escaped = 1;
            at = skip_escape(at);
        } else {
            at = *at < 0x20 ? NULL : skip_utf8(at);
        }
        if (at == NULL)
            return NULL;
    }
}

struct number {
    uint64_t digits;
    int negative, count, exponent, whole; /* `whole`: written without fraction and exponent */
};

/* A number of JSON's grammar with at most MOST_DIGITS + 1 digits that count, and an exponent of at most two. */
static cursor
read_number(cursor at, struct number *number)
{
    cursor begin = at, digits;
    int written = 0, negative;
    *number = (struct number){.negative = *at == '-', .whole = 1};
    at += number->negative;
    if (!is_digit(*at) || (*at == '0' && is_digit(at[1])))
        return NULL;
    for (digits = at; is_digit(*at) || (*at == '.' && number->whole && is_digit(at[1])); at++) {
        if (*at == '.') {
            number->whole = 0;
            continue;
        }
        if (number->count > MOST_DIGITS || at - digits > MOST_NUMBER)
            return NULL;
        number->digits = number->digits * 10 + (uint64_t)(*at - '0');
        number->count += number->digits != 0;
        number->exponent -= !number->whole;
    }
    if ((*at | 0x20) == 'e') {
        number->whole = 0;
        at++;
        negative = *at == '-';
        at += *at == '-' || *at == '+';
        for (; is_digit(*at) && written < 100; at++)
            written = written * 10 + (*at - '0');
        if (!is_digit(at[-1]) || is_digit(*at) || written >= 100)
            return NULL;
        number->exponent += negative ? -written : written;
    }
    return *at == '.' || at - begin > 2 * MOST_NUMBER ? NULL : at;
}

enum { MOST_TENS = 19 };
static const uint64_t TENS[MOST_TENS + 1] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

/* digits * 10^tens, rounded once. What does not fit into 62 bits is cut off, and the last one tells whether that was
 * anything: so a double, which has 53, is rounded from them as from the whole. */
static double
scale(uint64_t digits, int tens)
{
    wide whole = digits, rest = 0;
    int shift = 0, cut = 0;
    if (tens < 0) {
        wide dividend = digits;
        for (; !(dividend >> 120); shift += 4) /* then the quotient has 56 bits or more */
            dividend <<= 4;
        whole = dividend / TENS[-tens];
        rest = dividend - whole * TENS[-tens];
    } else {
        whole *= TENS[tens];
    }
    while (whole >> (62 + cut))
        cut++;
    uint64_t kept = (uint64_t)(whole >> cut);
    if (rest || whole != (wide)kept << cut)
        kept |= 1;
    return ldexp((double)kept, cut - shift);
}

/* The double that a number is nearest to; 0 for one that is not taken. Who is taken in one spelling is taken in the
 * shortest one too (see keys_of in scanner.py): it has no more digits, and 10^19 bounds its exponent. */
static int
as_double(const struct number *number, double *value)
{
    int tens = number->exponent;
    if (number->negative && number->digits)
        return 0;
    if (number->digits == 0)
        *value = 0.0;
    else if (tens < -MOST_TENS || tens > MOST_TENS)
        return 0;
    else if (number->digits <= UINT64_C(1) << 53 && tens <= 0 && tens > -16)
        *value = (double)number->digits / (double)TENS[-tens]; /* both are exact: 10^15 and less are doubles */
    else
        *value = scale(number->digits, tens);
    return *value < 1e19;
}

static cursor
read_integer(cursor at, cursor limit, int64_t *value)
{
    int negative = *at == '-';
    cursor digits = at += negative;
    uint64_t word;
    *value = 0;
    if (limit - at >= 8) { /* eight digits at once: their pairs, the pairs of these, and the pairs of these */
        memcpy(&word, at, 8);
        if ((word & EACH(0xF0)) == EACH(0x30) && ((word + EACH(6)) & EACH(0xF0)) == EACH(0x30)) {
            word = (word & EACH(0x0F)) * 2561 >> 8;
            word = (word & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
            *value = (int64_t)((word & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32);
            at += 8;
        }
    }
    for (; is_digit(*at) && at - digits < MOST_DIGITS; at++)
        *value = *value * 10 + (*at - '0');
    if (at == digits || is_digit(*at) || *at == '.' || (*at | 0x20) == 'e' || (*digits == '0' && at - digits > 1))
        return NULL;
    *value = negative ? -*value : *value;
    return at;
}

static cursor
read_duration(cursor at, cursor limit, double *value)
{
    struct number number;
    int64_t whole;
    cursor stop = read_integer(at, limit, &whole);
    if (stop != NULL && whole >= 0) {
        *value = (double)whole;
        return stop;
    }
    at = read_number(at, &number);
    return at != NULL && as_double(&number, value) ? at : NULL;
}

static cursor
skip_word(cursor at)
{
    if (at[0] == 't' && at[1] == 'r' && at[2] == 'u' && at[3] == 'e')
        return at + 4;
    if (at[0] == 'n' && at[1] == 'u' && at[2] == 'l' && at[3] == 'l')
        return at + 4;
    if (at[0] == 'f' && at[1] == 'a' && at[2] == 'l' && at[3] == 's' && at[4] == 'e')
        return at + 5;
    return NULL;
}

static cursor
skip_colon(cursor at)
{
    at = skip_space(at);
    return *at == ':' ? skip_space(at + 1) : NULL;
}

static cursor
read_key(cursor at, cursor limit, struct text *key)
{
    return *at == '"' && (at = read_text(at, limit, key)) != NULL ? skip_colon(at) : NULL;
}

/* Any value, at most MOST_DEPTH deep: `objects` has a bit for each level, the lowest one for the innermost. */
static cursor
skip_value(cursor at, cursor limit)
{
    struct text text;
    struct number number;
    uint64_t objects = 0;
    int depth = 0, opened;
    for (;;) {
        opened = *at == '{' || *at == '[';
        if (opened) {
            if (depth++ == MOST_DEPTH)
                return NULL;
            objects = objects << 1 | (*at == '{');
            at = skip_space(at + 1);
        } else if (*at == '"') {
            at = read_text(at, limit, &text);
        } else {
            at = *at == '-' || is_digit(*at) ? read_number(at, &number) : skip_word(at);
        }
        for (;; opened = 0) { /* behind a value, or behind the bracket that opened one */
            if (at == NULL)
                return NULL;
            if (depth == 0)
                return at;
            at = skip_space(at);
            if (*at == (objects & 1 ? '}' : ']')) {
                at++;
                depth--;
                objects >>= 1;
                continue;
            }
            if (!opened && *at != ',')
                return NULL;
            at = opened ? at : skip_space(at + 1);
            if (objects & 1)
                at = read_key(at, limit, &text);
            if (at == NULL)
                return NULL;
            break;
        }
    }
}

/* ---- a line */

/* Whether a text is a word; with a word that stands here as itself this is a comparison or two. */
#define IS(text, word) ((text)->size == sizeof(word) - 1 && memcmp((text)->at, word, sizeof(word) - 1) == 0)
/* Whether a key and its quotes stand at a place. */
#define AT(at, key) (limit - (at) > (int)sizeof(key) && memcmp((at), "\"" key "\"", sizeof(key) + 1) == 0)

static const uint8_t KEY_SIZES[FIELDS] = {
    [EVENT] = 5,  [TRACE] = 8, [COMMAND] = 7,  [TIME] = 11, [TIME_TEXT] = 6, [EXIT_CODE] = 9,
    [STATUS] = 6, [ITEM] = 7,  [DURATION] = 11, [ERROR] = 5,
};

/* The known key that stands at `at`; UNKNOWN for any other, and for anything else. */
static enum field
field_at(cursor at, cursor limit)
{
    switch (limit - at > 2 ? at[2] : 0) {
    case 'v':
        return AT(at, "event") ? EVENT : UNKNOWN;
    case 'r':
        return AT(at, "trace_id") ? TRACE : AT(at, "error") ? ERROR : UNKNOWN;
    case 'o':
        return AT(at, "command") ? COMMAND : UNKNOWN;
    case 's':
        return AT(at, "ts_epoch_ms") ? TIME : AT(at, "ts_kst") ? TIME_TEXT : UNKNOWN;
    case 'x':
        return AT(at, "exit_code") ? EXIT_CODE : UNKNOWN;
    case 't':
        return AT(at, "status") ? STATUS : AT(at, "item_id") ? ITEM : UNKNOWN;
    case 'u':
        return AT(at, "duration_ms") ? DURATION : UNKNOWN;
    default:
        return UNKNOWN;
    }
}

static cursor
read_field(cursor at, cursor limit, enum field field, struct line *line)
{
    if (HAS(line, field))
        return NULL;
    line->seen |= 1u << field;
    switch (field) {
    case TIME:
        return read_integer(at, limit, &line->time);
    case EXIT_CODE:
        return read_integer(at, limit, &line->exit_code);
    case DURATION:
        return read_duration(at, limit, &line->duration);
    default:
        break;
    }
    if (*at == '"') {
        at = read_text(at, limit, &line->texts[field]);
        /* What these say is compared as it is written. */
        return line->texts[field].escaped && (field == EVENT || field == TRACE || field == COMMAND) ? NULL : at;
    }
    if (*at != 'n' || (field != ITEM && field != ERROR))
        return NULL;
    line->null |= 1u << field;
    return skip_word(at);
}

/* Read a line that begins at `at`; return where the next one begins, NULL if it is not understood. */
static cursor
read_line(cursor at, const struct scan *scan, struct line *line)
{
    struct text key;
    enum field field;
    line->seen = line->null = 0;
    at = skip_space(at);
    if (*at != '{')
        return NULL;
    do {
        at = skip_space(at + 1);
        field = field_at(at, scan->limit);
        at = field == UNKNOWN ? read_key(at, scan->limit, &key) : skip_colon(at + KEY_SIZES[field] + 2);
        if (at == NULL || (field == UNKNOWN && key.escaped))
            return NULL;
        at = field == UNKNOWN ? skip_value(at, scan->limit) : read_field(at, scan->limit, field, line);
        if (at == NULL)
            return NULL;
        at = skip_space(at);
    } while (*at == ',');
    if (*at != '}')
        return NULL;
    at = skip_space(at + 1);
    if (*at != '\n' || !HAS(line, EVENT))
        return NULL;
    if (HAS(line, TIME) && (line->time < scan->least_time || line->time > scan->greatest_time))
        return NULL;
    line->kind = IS(&line->texts[EVENT], "run_end") ? END : IS(&line->texts[EVENT], "run_start") ? START : OTHER;
    if (line->kind == END && !(HAS(line, COMMAND) && HAS(line, EXIT_CODE)))
        return NULL;
    return at + 1;
}

/* ---- keys: a hash of what a line says, however it is spelled */

static uint64_t
mix(uint64_t one, uint64_t other)
{
    wide product = (wide)one * other;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
add_word(const struct scan *scan, uint64_t hash, uint64_t word)
{
    return mix(word ^ scan->secrets[0], hash ^ scan->secrets[1]);
}

static uint64_t
add_bytes(const struct scan *scan, uint64_t hash, cursor at, size_t size)
{
    uint64_t words[2] = {0, 0};
    if (size >= 16) {
        cursor last = at + size - 16;
        for (; at < last; at += 16) {
            memcpy(words, at, 16);
            hash = mix(words[0] ^ scan->secrets[0], words[1] ^ hash);
        }
        memcpy(words, last, 16);
    } else if (size >= 8) {
        memcpy(words, at, 8);
        memcpy(words + 1, at + size - 8, 8);
    } else {
        for (size_t each = 0; each < size; each++)
            words[0] = words[0] << 8 | at[each];
    }
    return mix(words[0] ^ scan->secrets[1] ^ size, words[1] ^ hash);
}

static size_t
encode_utf8(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xC0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xE0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (code & 0x3F));
    return 4;
}

/* The bytes that a text stands for, which are never more than it has. `scratch` has room for the whole buffer. */
static size_t
unescape(const struct text *text, uint8_t *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    cursor at = text->at, stop = at + text->size;
    uint8_t *begin = out;
    uint32_t code;
    while (at < stop) {
        if (*at != '\\') {
            *out++ = *at++;
        } else if (at[1] == 'u') {
            at = read_unicode(at + 2, &code);
            if (at == NULL) /* it was read before: this cannot be */
                return 0;
            out += encode_utf8(code, out);
        } else {
            *out++ = (uint8_t)to[strchr(from, at[1]) - from];
            at += 2;
        }
    }
    return (size_t)(out - begin);
}

/* The key of an end: equal for ends that are equal in all known keys. 0: without a trace id and a time it is nobody. */
static int
key_of(struct scan *scan, const struct line *line, uint64_t *key)
{
    static const enum field texts[] = {TRACE, COMMAND, TIME_TEXT, STATUS, ITEM, ERROR};
    uint64_t hash = scan->secrets[2], bits;
    *key = 0;
    if (!HAS(line, TRACE) || !line->texts[TRACE].size || !(HAS(line, TIME) || HAS(line, TIME_TEXT)))
        return 1;
    hash = add_word(scan, hash, (uint64_t)line->seen << 32 | line->null);
    hash = add_word(scan, hash, (uint64_t)line->exit_code);
    if (HAS(line, TIME))
        hash = add_word(scan, hash, (uint64_t)line->time);
    if (HAS(line, DURATION)) {
        memcpy(&bits, &line->duration, 8);
        hash = add_word(scan, hash, bits);
    }
    for (size_t each = 0; each < sizeof texts / sizeof *texts; each++) {
        const struct text *text = &line->texts[texts[each]];
        if (!HAS(line, texts[each]) || line->null >> texts[each] & 1)
            continue;
        if (!text->escaped) {
            hash = add_bytes(scan, hash, text->at, text->size);
            continue;
        }
        if (scan->scratch == NULL && (scan->scratch = malloc((size_t)(scan->limit - scan->begin))) == NULL)
            return 0;
        hash = add_bytes(scan, hash, scan->scratch, unescape(text, scan->scratch));
    }
    *key = hash ? hash : 1;
    return 1;
}

/* ---- columns */

/* The number of a command with an exit code, in order of appearance; -1 if there are too many of them. */
static int
group_of(struct scan *scan, const struct line *line)
{
    const struct text *command = &line->texts[COMMAND];
    uint64_t hash = add_bytes(scan, (uint64_t)line->exit_code, command->at, command->size);
    size_t slot = (size_t)(hash >> 32) % SLOTS;
    for (; scan->slots[slot]; slot = (slot + 1) % SLOTS) {
        const struct group *group = &scan->groups[scan->slots[slot] - 1];
        if (group->exit_code == line->exit_code && group->command.size == command->size
            && memcmp(group->command.at, command->at, command->size) == 0)
            return scan->slots[slot] - 1;
    }
    if (scan->group_count == MOST_GROUPS)
        return -1;
    scan->groups[scan->group_count] = (struct group){*command, line->exit_code};
    scan->slots[slot] = (uint16_t)++scan->group_count;
    return (int)scan->group_count - 1;
}

/* Take back the start that an end closes, if it is one of the latest runs: the run of its trace id before it. 1: done. */
static int
close_near(struct scan *scan, const struct text *trace, uint64_t hash)
{
    size_t stop = scan->run_count > NEAR ? scan->run_count - NEAR : 0;
    for (size_t each = scan->run_count; each-- > stop;) {
        struct run *run = &scan->runs[each];
        if (run->offset == NO_TRACE || scan->run_hashes[each] != hash || run->size != trace->size
            || memcmp(scan->begin + run->offset, trace->at, trace->size) != 0)
            continue;
        if (run->kind != START)
            return 0;
        size_t behind = --scan->run_count - each;
        memmove(run, run + 1, behind * sizeof *run);
        memmove(&scan->run_hashes[each], &scan->run_hashes[each + 1], behind * sizeof *scan->run_hashes);
        return 1;
    }
    return 0;
}

static void
add_run(struct scan *scan, const struct line *line)
{
    struct run *run = &scan->runs[scan->run_count];
    uint64_t hash;
    const struct text *trace = &line->texts[TRACE];
    int is_end = line->kind == END;
    int within = HAS(line, TIME) ? line->time >= scan->since && (is_end || line->time < scan->until) : is_end;
    if (scan->windowed && !within)
        return;
    *run = (struct run){scan->lines, line->kind, NO_TRACE, 0};
    if (HAS(line, TRACE)) {
        hash = add_bytes(scan, 0, trace->at, trace->size);
        if (is_end && close_near(scan, trace, hash))
            return;
        run->offset = (uint32_t)(trace->at - scan->begin);
        run->size = (uint32_t)trace->size;
        scan->run_hashes[scan->run_count] = hash;
    }
    scan->run_count++;
}

static struct span
span_of(const struct scan *scan, const struct line *line, enum field field)
{
    const struct text *text = &line->texts[field];
    if (!HAS(line, field) || line->null >> field & 1)
        return (struct span){0, 0};
    return (struct span){text->escaped ? ESCAPED : (uint32_t)(text->at - scan->begin), (uint32_t)text->size};
}

/* Add an end that begins at `at`. 1: added; 0: no room is left; -1: no memory. */
static int
add_end(struct scan *scan, cursor at, const struct line *line)
{
    size_t end = scan->ends;
    int group = group_of(scan, line);
    if (group < 0 || end == scan->room)
        return 0;
    if (!key_of(scan, line, &scan->keys[end]))
        return -1;
    scan->group_of[end] = (uint8_t)group;
    scan->numbers[end] = scan->lines;
    scan->offsets[end] = (uint32_t)(at - scan->begin);
    scan->has_time[end] = HAS(line, TIME);
    scan->times[end] = HAS(line, TIME) ? line->time : 0;
    scan->durations[end] = HAS(line, DURATION) ? line->duration : Py_NAN;
    if (HAS(line, DURATION) && scan->counts != NULL) {
        if (line->duration < (double)scan->counts_size && line->duration == (double)(uint32_t)line->duration)
            scan->counts[(uint32_t)line->duration]++;
        else
            scan->rest[scan->rest_count++] = line->duration;
    }
    for (int each = 0; each < SPANS; each++)
        if (scan->fields >> each & 1)
            scan->spans[each][end] = span_of(scan, line, SPANNED[each]);
    scan->timed += HAS(line, TIME);
    scan->measured += HAS(line, DURATION);
    scan->ends++;
    if (scan->keys[end]) {
        int64_t low = HAS(line, TIME) ? line->time : INT64_MIN, high = HAS(line, TIME) ? line->time : INT64_MAX;
        scan->low = low < scan->low ? low : scan->low;
        scan->high = high > scan->high ? high : scan->high;
    }
    return 1;
}

static int
add_line(struct scan *scan, cursor at, const struct line *line)
{
    int added = !scan->details || scan->run_count < scan->run_room;
    if (added && line->kind == END)
        added = add_end(scan, at, line);
    if (added != 1)
        return added;
    if (scan->details && line->kind != OTHER)
        add_run(scan, line);
    if (HAS(line, TIME)) {
        if (!scan->dated || line->time > scan->greatest) {
            scan->greatest = line->time;
            scan->newest = at;
        }
        if (!scan->dated || line->time < scan->least)
            scan->least = line->time;
        scan->dated = 1;
    }
    scan->lines++;
    return 1;
}

/* Leave those runs that are not just a start and then its end, which nothing else that is left has the trace id of:
 * whatever was open before, such an end closes such a start. 0: no memory. */
static int
drop_pairs(struct scan *scan)
{
    size_t size = 16, slot;
    uint32_t *slots; /* of each trace id its first run and its second one, counted from 1; the second NO_TRACE: more */
    while (size < 2 * scan->run_count)
        size *= 2;
    slots = calloc(size, 2 * sizeof *slots);
    if (slots == NULL)
        return 0;
    for (size_t each = 0; each < scan->run_count; each++) {
        struct run *run = &scan->runs[each];
        if (run->offset == NO_TRACE)
            continue;
        for (slot = (size_t)(scan->run_hashes[each] >> 20) & (size - 1); slots[2 * slot]; slot = (slot + 1) & (size - 1)) {
            struct run *first = &scan->runs[slots[2 * slot] - 1];
            if (first->size == run->size
                && memcmp(scan->begin + first->offset, scan->begin + run->offset, run->size) == 0)
                break;
        }
        if (!slots[2 * slot])
            slots[2 * slot] = (uint32_t)each + 1;
        else
            slots[2 * slot + 1] = slots[2 * slot + 1] ? NO_TRACE : (uint32_t)each + 1;
    }
    for (slot = 0; slot < size; slot++) {
        uint32_t second = slots[2 * slot + 1];
        if (!second || second == NO_TRACE)
            continue;
        struct run *start = &scan->runs[slots[2 * slot] - 1], *end = &scan->runs[second - 1];
        if (start->kind == START && end->kind == END)
            start->kind = end->kind = 0;
    }
    free(slots);
    for (size_t each = 0; each < scan->run_count; each++)
        if (scan->runs[each].kind)
            scan->runs[scan->loose++] = scan->runs[each];
    return 1;
}

/* Count the keys that another end before them has. 0: no memory. */
static int
count_equal(struct scan *scan)
{
    size_t size = 16, slot;
    uint64_t *slots;
    while (size < 2 * scan->ends)
        size *= 2;
    slots = calloc(size, sizeof *slots);
    if (slots == NULL)
        return 0;
    for (size_t each = 0; each < scan->ends; each++) {
        uint64_t key = scan->keys[each];
        for (slot = (size_t)(key >> 20) & (size - 1); slots[slot] && slots[slot] != key; slot = (slot + 1) & (size - 1))
            ;
        scan->equal += key && slots[slot];
        slots[slot] = key;
    }
    free(slots);
    return 1;
}

/* Scan lines from `at` on: those understood go into the columns, up to the first that is not. `*at` is its beginning
 * then, and `*resume` that of the next one that is understood. 0: no memory. */
static int
scan_lines(struct scan *scan, cursor *at, cursor *resume)
{
    struct line line;
    cursor next;
    int added;
    while (*at < scan->limit && (next = read_line(*at, scan, &line)) != NULL) {
        added = add_line(scan, *at, &line);
        if (added < 0)
            return 0;
        if (added == 0) {
            *resume = *at;
            return 1;
        }
        *at = next;
    }
    *resume = *at;
    while (*resume < scan->limit && read_line(*resume, scan, &line) == NULL)
        *resume = (cursor)memchr(*resume, '\n', (size_t)(scan->limit - *resume)) + 1;
    return 1;
}

static void
free_columns(struct scan *scan)
{
    void *columns[] = {scan->numbers, scan->offsets, scan->times, scan->durations, scan->rest, scan->keys, scan->has_time,
                       scan->group_of, scan->spans[0], scan->spans[1], scan->runs, scan->run_hashes, scan->scratch};
    for (size_t each = 0; each < sizeof columns / sizeof *columns; each++)
        free(columns[each]);
}

static int
make_columns(struct scan *scan, size_t size)
{
    scan->room = size / LEAST_END + 1;
    scan->run_room = scan->details ? size / LEAST_RUN + 1 : 0;
    scan->numbers = malloc(scan->room * sizeof *scan->numbers);
    scan->offsets = malloc(scan->room * sizeof *scan->offsets);
    scan->times = malloc(scan->room * sizeof *scan->times);
    scan->durations = malloc(scan->room * sizeof *scan->durations);
    scan->rest = malloc(scan->room * sizeof *scan->rest);
    scan->keys = malloc(scan->room * sizeof *scan->keys);
    scan->has_time = malloc(scan->room);
    scan->group_of = malloc(scan->room);
    for (int each = 0; each < SPANS; each++)
        if (scan->fields >> each & 1 && (scan->spans[each] = malloc(scan->room * sizeof *scan->spans[each])) == NULL)
            return 0;
    scan->runs = malloc(scan->run_room * sizeof *scan->runs);
    scan->run_hashes = malloc(scan->run_room * sizeof *scan->run_hashes);
    return scan->numbers && scan->offsets && scan->times && scan->durations && scan->rest && scan->keys && scan->has_time
           && scan->group_of && scan->runs && scan->run_hashes;
}

static PyObject *
make_groups(const struct scan *scan)
{
    PyObject *groups = PyList_New((Py_ssize_t)scan->group_count);
    for (size_t each = 0; groups != NULL && each < scan->group_count; each++) {
        const struct group *group = &scan->groups[each];
        PyObject *pair = Py_BuildValue("s#L", (const char *)group->command.at, (Py_ssize_t)group->command.size,
                                       (long long)group->exit_code);
        if (pair == NULL || PyList_SetItem(groups, (Py_ssize_t)each, pair) < 0)
            Py_CLEAR(groups);
    }
    return groups;
}

#define BYTES(column, count) (const char *)(column), (Py_ssize_t)((count) * sizeof *(column))

static PyObject *
make_answer(const struct scan *scan, cursor at, cursor resume)
{
    PyObject *groups = make_groups(scan);
    if (groups == NULL)
        return NULL;
    return Py_BuildValue(
        "{s:k,s:n,s:n,s:n,s:L,s:L,s:L,s:L,s:y#,s:y#,s:y#,s:y#,s:y#,s:y#,s:y#,s:y#,s:y#,s:y#,s:y#,s:N,s:n,s:n,"
        "s:n}",
        "lines", (unsigned long)scan->lines,
        "stop", (Py_ssize_t)(at - scan->begin),
        "resume", (Py_ssize_t)(resume - scan->begin),
        "newest", (Py_ssize_t)(scan->dated ? scan->newest - scan->begin : -1),
        "least", (long long)scan->least,
        "greatest", (long long)scan->greatest,
        "low", (long long)scan->low,
        "high", (long long)scan->high,
        "numbers", BYTES(scan->numbers, scan->ends),
        "offsets", BYTES(scan->offsets, scan->ends),
        "times", BYTES(scan->times, scan->ends),
        "has_time", BYTES(scan->has_time, scan->ends),
        "durations", BYTES(scan->durations, scan->ends),
        "rest", BYTES(scan->rest, scan->rest_count),
        "group_of", BYTES(scan->group_of, scan->ends),
        "keys", BYTES(scan->keys, scan->ends),
        "items", BYTES(scan->spans[0], scan->fields & ITEMS ? scan->ends : 0),
        "errors", BYTES(scan->spans[1], scan->fields & ERRORS ? scan->ends : 0),
        "runs", BYTES(scan->runs, scan->loose),
        "groups", groups,
        "timed", (Py_ssize_t)scan->timed,
        "measured", (Py_ssize_t)scan->measured,
        "equal", (Py_ssize_t)scan->equal);
}

PyDoc_STRVAR(scan_doc,
"scan(buffer, start, seed, details, least_time, greatest_time, window, counts, fields)\n--\n\n"
"Return the columns of the lines from an offset on that are understood, and where the others begin and end.\n\n"
"What stands behind the last line break is not read. A record with a time outside of the least and the greatest one is not understood;\n"
"`window` is None or the first time of a window and the first one behind it; to `counts`, None or an array of integers of 32 bits, the durations\n"
"that are one of its indexes are added; `fields`: 1 for where items stand, 2 for errors, 3 for both. Raises ValueError for arguments that cannot be.");

/* The two times of a window, a tuple. 0: an exception is set. */
static int
read_window(PyObject *window, int64_t *since, int64_t *until)
{
    PyObject *first = PyTuple_GetItem(window, 0), *last = first == NULL ? NULL : PyTuple_GetItem(window, 1);
    if (last == NULL)
        return 0;
    *since = PyLong_AsLongLong(first);
    *until = PyLong_AsLongLong(last);
    return !PyErr_Occurred();
}

static PyObject *
scan_buffer(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer buffer;
    Py_ssize_t start, size;
    unsigned long long seed;
    long long least_time, greatest_time;
    PyObject *window, *counts, *answer = NULL;
    Py_buffer counted = {0};
    int scanned = 0;
    struct scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL)
        return PyErr_NoMemory();
    if (!PyArg_ParseTuple(args, "y*nKpLLOOi:scan", &buffer, &start, &seed, &scan->details, &least_time, &greatest_time,
                          &window, &counts, &scan->fields)) {
        free(scan);
        return NULL;
    }
    scan->windowed = window != Py_None;
    if (scan->windowed && !read_window(window, &scan->since, &scan->until))
        goto done;
    if (counts != Py_None) {
        if (PyObject_GetBuffer(counts, &counted, PyBUF_CONTIG) < 0)
            goto done;
        if (counted.itemsize != sizeof *scan->counts || (uintptr_t)counted.buf % sizeof *scan->counts) {
            PyErr_SetString(PyExc_ValueError, "expected counts of 32 bits");
            goto done;
        }
        scan->counts = counted.buf;
        scan->counts_size = (size_t)counted.len / sizeof *scan->counts;
    }
    size = start >= 0 && buffer.len < (Py_ssize_t)UINT32_MAX ? buffer.len : 0;
    scan->begin = buffer.buf;
    while (size > start && size > 0 && scan->begin[size - 1] != '\n')
        size--;
    scan->limit = scan->begin + size;
    if (start < 0 || size <= start) {
        PyErr_SetString(PyExc_ValueError, "expected an offset of a line that ends");
        goto done;
    }
    scan->least_time = least_time;
    scan->greatest_time = greatest_time;
    scan->low = INT64_MAX;
    scan->high = INT64_MIN;
    for (int each = 0; each < 3; each++) {
        uint64_t next = seed + (uint64_t)(each + 1) * UINT64_C(0x9E3779B97F4A7C15);
        next = (next ^ next >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
        next = (next ^ next >> 27) * UINT64_C(0x94D049BB133111EB);
        scan->secrets[each] = (next ^ next >> 31) | (each == 1);
    }
    cursor at = scan->begin + start, resume = at;
    Py_BEGIN_ALLOW_THREADS
    scanned = make_columns(scan, (size_t)(size - start)) && scan_lines(scan, &at, &resume)
              && count_equal(scan) && (!scan->details || drop_pairs(scan));
    Py_END_ALLOW_THREADS
    answer = scanned ? make_answer(scan, at, resume) : PyErr_NoMemory();
done:
    free_columns(scan);
    free(scan);
    PyBuffer_Release(&buffer);
    PyBuffer_Release(&counted);
    return answer;
}

PyDoc_STRVAR(locate_doc,
"locate(times, cuts)\n--\n\n"
"Return the number of the cuts that each time has reached: `times` and the ascending `cuts` are integers of 64 bits.\n\n"
"Raises ValueError for more cuts than a byte counts.");

static PyObject *
locate(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer times, cuts;
    PyObject *rows = NULL;
    if (!PyArg_ParseTuple(args, "y*y*:locate", &times, &cuts))
        return NULL;
    Py_ssize_t count = times.len / (Py_ssize_t)sizeof(int64_t), most = cuts.len / (Py_ssize_t)sizeof(int64_t);
    char *row;
    if (most > UINT8_MAX)
        PyErr_SetString(PyExc_ValueError, "expected at most 255 cuts");
    else
        rows = PyBytes_FromStringAndSize(NULL, count);
    row = rows == NULL ? NULL : PyBytes_AsString(rows);
    for (Py_ssize_t each = 0; row != NULL && each < count; each++) {
        int64_t time, cut;
        Py_ssize_t reached = 0;
        memcpy(&time, (const char *)times.buf + each * (Py_ssize_t)sizeof time, sizeof time);
        for (; reached < most; reached++) {
            memcpy(&cut, (const char *)cuts.buf + reached * (Py_ssize_t)sizeof cut, sizeof cut);
            if (time < cut)
                break;
        }
        row[each] = (char)reached;
    }
    PyBuffer_Release(&times);
    PyBuffer_Release(&cuts);
    return rows;
}

PyDoc_STRVAR(tally_doc,
"tally(rows, groups, durations, measured, tables)\n--\n\n"
"Count ends by row and group, and add their durations to the table of their row; return the counts, and the rest.\n\n"
"`rows` and `groups` have a byte for each end, `durations` a double, NaN for none; `measured` a byte for each group, 0 if its durations do\n"
"not count; `tables` an array of integers of 32 bits for each row. The answer: for each row the ends of each group, 32 bits each; and of the\n"
"durations that are no index of a table the rows and the doubles. Raises ValueError for arguments that cannot be.");

struct tally {
    Py_buffer rows, groups, durations, measured, *tables;
    Py_ssize_t table_count;
    uint32_t *ends;
    uint8_t *rest_rows;
    double *rest;
    Py_ssize_t rest_count;
};

/* Take the buffers of the tables. 0: an exception is set. */
static int
take_tables(struct tally *tally, PyObject *tables)
{
    Py_ssize_t count = PyList_Size(tables);
    if (count < 0)
        return 0;
    tally->tables = calloc((size_t)count + 1, sizeof *tally->tables);
    if (tally->tables == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    for (; tally->table_count < count; tally->table_count++) {
        Py_buffer *table = &tally->tables[tally->table_count];
        if (PyObject_GetBuffer(PyList_GetItem(tables, tally->table_count), table, PyBUF_CONTIG) < 0)
            return 0;
        if (table->itemsize != sizeof(uint32_t) || (uintptr_t)table->buf % sizeof(uint32_t)) {
            tally->table_count++;
            PyErr_SetString(PyExc_ValueError, "expected tables of 32 bits");
            return 0;
        }
    }
    return 1;
}

/* 0: an exception is set. */
static int
add_ends(struct tally *tally)
{
    const uint8_t *rows = tally->rows.buf, *groups = tally->groups.buf, *measured = tally->measured.buf;
    Py_ssize_t count = tally->rows.len, width = tally->measured.len;
    tally->ends = calloc((size_t)(tally->table_count * width) + 1, sizeof *tally->ends);
    tally->rest = malloc(((size_t)count + 1) * sizeof *tally->rest);
    tally->rest_rows = malloc((size_t)count + 1);
    if (tally->ends == NULL || tally->rest == NULL || tally->rest_rows == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    for (Py_ssize_t each = 0; each < count; each++) {
        if (rows[each] >= tally->table_count || groups[each] >= width) {
            PyErr_SetString(PyExc_ValueError, "expected rows that have a table, and groups that are known");
            return 0;
        }
        const Py_buffer *table = &tally->tables[rows[each]];
        double duration;
        memcpy(&duration, (const char *)tally->durations.buf + (size_t)each * sizeof duration, sizeof duration);
        tally->ends[rows[each] * width + groups[each]]++;
        if (!measured[groups[each]] || isnan(duration))
            continue;
        if (duration >= 0 && duration < (double)(table->len / 4) && duration == (double)(uint32_t)duration) {
            ((uint32_t *)table->buf)[(uint32_t)duration]++;
            continue;
        }
        tally->rest_rows[tally->rest_count] = rows[each];
        tally->rest[tally->rest_count++] = duration;
    }
    return 1;
}

static PyObject *
tally_ends(PyObject *Py_UNUSED(module), PyObject *args)
{
    struct tally tally = {0};
    PyObject *tables, *answer = NULL;
    if (!PyArg_ParseTuple(args, "y*y*y*y*O!:tally", &tally.rows, &tally.groups, &tally.durations, &tally.measured,
                          &PyList_Type, &tables))
        return NULL;
    if (tally.groups.len != tally.rows.len || tally.durations.len != tally.rows.len * (Py_ssize_t)sizeof(double))
        PyErr_SetString(PyExc_ValueError, "expected columns of one length");
    else if (take_tables(&tally, tables) && add_ends(&tally))
        answer = Py_BuildValue("(y#y#y#)", BYTES(tally.ends, tally.table_count * tally.measured.len),
                               BYTES(tally.rest_rows, tally.rest_count), BYTES(tally.rest, tally.rest_count));
    for (Py_ssize_t each = 0; each < tally.table_count; each++)
        PyBuffer_Release(&tally.tables[each]);
    free(tally.tables);
    free(tally.ends);
    free(tally.rest);
    free(tally.rest_rows);
    PyBuffer_Release(&tally.rows);
    PyBuffer_Release(&tally.groups);
    PyBuffer_Release(&tally.durations);
    PyBuffer_Release(&tally.measured);
    return answer;
}

static PyMethodDef methods[] = {
    {"scan", scan_buffer, METH_VARARGS, scan_doc},
    {"locate", locate, METH_VARARGS, locate_doc},
    {"tally", tally_ends, METH_VARARGS, tally_doc},
    {NULL, NULL, 0, NULL},
};

static int
fill_module(PyObject *module)
{
    if (PyModule_AddIntConstant(module, "INTERFACE", INTERFACE) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "SOURCE", SCANNER_SOURCE);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill_module}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_scanner",
    .m_doc = "Scan lines of a run log that are beyond doubt; see scanner.py.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__scanner(void)
{
    return PyModuleDef_Init(&definition);
}
