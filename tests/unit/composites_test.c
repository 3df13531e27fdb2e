/* Every composite, by the table of fields: all fields, each alone, none, too small a buffer, every
 * wrong type (AMQP 1.4). */
#include <amqpcodec/amqpcodec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Every composite's functions behind one signature. */
// clang-format off
#define COMPOSITES(X) \
    X(open) X(begin) X(attach) X(flow) X(transfer) X(disposition) X(detach) X(end) \
    X(close) X(error) X(received) X(accepted) X(rejected) X(released) X(modified) \
    X(source) X(target) X(delete_on_close) X(delete_on_no_links) \
    X(delete_on_no_messages) X(delete_on_no_links_or_messages) X(coordinator) \
    X(declare) X(discharge) X(declared) X(transactional_state) X(sasl_mechanisms) \
    X(sasl_init) X(sasl_challenge) X(sasl_response) X(sasl_outcome) X(header) \
    X(properties)
// clang-format on

#define WRAPPERS(name)                                                                             \
    static amqpc_status decode_##name(const void *data, size_t size, void *composite,              \
                                      size_t *offset)                                              \
    {                                                                                              \
        return amqpc_##name##_decode(data, size, NULL, (amqpc_##name *)composite, offset);         \
    }                                                                                              \
    static amqpc_status from_value_##name(const amqpc_value *value, void *composite)               \
    {                                                                                              \
        return amqpc_##name##_from_value(value, NULL, (amqpc_##name *)composite);                  \
    }                                                                                              \
    static amqpc_status encode_##name(const void *composite, void *data, size_t capacity,          \
                                      size_t *size)                                                \
    {                                                                                              \
        return amqpc_##name##_encode((const amqpc_##name *)composite, data, capacity, size);       \
    }
COMPOSITES(WRAPPERS)

typedef struct composite_functions {
    const char *name;
    amqpc_status (*decode)(const void *data, size_t size, void *composite, size_t *offset);
    amqpc_status (*from_value)(const amqpc_value *value, void *composite);
    amqpc_status (*encode)(const void *composite, void *data, size_t capacity, size_t *size);
} composite_functions;

#define ENTRY(name) {#name, decode_##name, from_value_##name, encode_##name},
static const composite_functions functions[] = {COMPOSITES(ENTRY)};
enum { FUNCTIONS = sizeof functions / sizeof functions[0], ROOM = 1024 };

/* A composite of any type. */
typedef union any_composite {
    uint32_t present; /* the first member of all */
    amqpc_attach attach;
    amqpc_performative performative;
    amqpc_source source;
    amqpc_properties properties;
} any_composite;

static const amqpc_value accepted_items[2] = {
    {.type = AMQPC_TYPE_ULONG, .as.u64 = AMQPC_COMPOSITE_ACCEPTED},
    {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, .count = 0},
};
static const amqpc_value error_fields[1] = {
    {.type = AMQPC_TYPE_SYMBOL, .as.bytes = {"amqp:not-found", 14}}};
static const amqpc_value error_items[2] = {
    {.type = AMQPC_TYPE_ULONG, .as.u64 = AMQPC_COMPOSITE_ERROR},
    {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, .count = 1, .as.items = error_fields},
};
static const amqpc_value map_items[2] = {
    {.type = AMQPC_TYPE_SYMBOL, .as.bytes = {"k", 1}},
    {.type = AMQPC_TYPE_INT, .as.i64 = -5},
};
static const amqpc_value symbol_items[2] = {
    {.type = AMQPC_TYPE_SYMBOL, .as.bytes = {"x", 1}},
    {.type = AMQPC_TYPE_SYMBOL, .as.bytes = {"yy", 2}},
};

/* A valid value for a field of each kind, which is not the default. */
static amqpc_value sample(const amqpc_field_info *field)
{
    amqpc_value value = {0};
    switch (field->kind) {
    case AMQPC_FIELD_BOOLEAN:
        value.type = AMQPC_TYPE_BOOLEAN;
        value.as.boolean = true;
        break;
    case AMQPC_FIELD_UBYTE:
        value.type = AMQPC_TYPE_UBYTE;
        value.as.u64 = 1;
        break;
    case AMQPC_FIELD_USHORT:
        value.type = AMQPC_TYPE_USHORT;
        value.as.u64 = 1000;
        break;
    case AMQPC_FIELD_UINT:
        value.type = AMQPC_TYPE_UINT;
        value.as.u64 = field->choices != NULL ? 2 : 70000;
        break;
    case AMQPC_FIELD_ULONG:
        value.type = AMQPC_TYPE_ULONG;
        value.as.u64 = 1ull << 40;
        break;
    case AMQPC_FIELD_TIMESTAMP:
        value.type = AMQPC_TYPE_TIMESTAMP;
        value.as.i64 = 1311704463521;
        break;
    case AMQPC_FIELD_BINARY:
        value.type = AMQPC_TYPE_BINARY;
        value.as.bytes = (amqpc_bytes){"\x00\xff", 2};
        break;
    case AMQPC_FIELD_STRING:
    case AMQPC_FIELD_MESSAGE_ID:
        value.type = AMQPC_TYPE_STRING;
        value.as.bytes = (amqpc_bytes){"text", 4};
        break;
    case AMQPC_FIELD_SYMBOL:
        value.type = AMQPC_TYPE_SYMBOL;
        value.as.bytes = (amqpc_bytes){"never", 5};
        break;
    case AMQPC_FIELD_SYMBOLS:
        value = (amqpc_value){.type = AMQPC_TYPE_ARRAY,
                              .form = AMQPC_FORM_ITEMS,
                              .count = 2,
                              .as.items = symbol_items};
        break;
    case AMQPC_FIELD_MAP:
        value = (amqpc_value){
            .type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = map_items};
        break;
    case AMQPC_FIELD_ERROR:
        value = (amqpc_value){.type = AMQPC_TYPE_DESCRIBED,
                              .form = AMQPC_FORM_ITEMS,
                              .count = 2,
                              .as.items = error_items};
        break;
    default:
        value = (amqpc_value){.type = AMQPC_TYPE_DESCRIBED,
                              .form = AMQPC_FORM_ITEMS,
                              .count = 2,
                              .as.items = accepted_items};
        break;
    }
    return value;
}

/* Encodes the composite with the fields of `present`, and nulls before them, by the general writer.
 */
static size_t write_composite(const amqpc_composite_info *info, uint32_t present, uint8_t *bytes)
{
    amqpc_writer *writer = NULL;
    amqpc_value descriptor = {.type = AMQPC_TYPE_ULONG, .as.u64 = info->type};
    assert_int_equal(amqpc_writer_new(NULL, &writer), AMQPC_OK);
    amqpc_writer_set_fixed(writer, bytes, ROOM);
    assert_int_equal(amqpc_writer_begin(writer, AMQPC_TYPE_DESCRIBED, 0), AMQPC_OK);
    assert_int_equal(amqpc_writer_value(writer, &descriptor), AMQPC_OK);
    assert_int_equal(amqpc_writer_begin(writer, AMQPC_TYPE_LIST, 0), AMQPC_OK);
    for (uint32_t i = 0; i < info->field_count && present >> i != 0; i++) {
        amqpc_value value = {.type = AMQPC_TYPE_NULL};
        if ((present & 1u << i) != 0) {
            value = sample(&info->fields[i]);
        }
        assert_int_equal(amqpc_writer_value(writer, &value), AMQPC_OK);
    }
    assert_int_equal(amqpc_writer_end(writer), AMQPC_OK);
    assert_int_equal(amqpc_writer_end(writer), AMQPC_OK);
    assert_int_equal(amqpc_writer_finish(writer), AMQPC_OK);
    size_t size = amqpc_writer_size(writer);
    amqpc_writer_free(writer);
    return size;
}

static uint32_t mandatory_fields(const amqpc_composite_info *info)
{
    uint32_t mandatory = 0;
    for (uint32_t i = 0; i < info->field_count; i++) {
        mandatory |= info->fields[i].mandatory ? 1u << i : 0;
    }
    return mandatory;
}

static const composite_functions *find_functions(const amqpc_composite_info *info)
{
    for (size_t i = 0; i < FUNCTIONS; i++) {
        const char *name = functions[i].name;
        bool same = strlen(name) == strlen(info->name);
        for (size_t at = 0; same && name[at] != '\0'; at++) {
            same = name[at] == info->name[at] || (name[at] == '_' && info->name[at] == '-');
        }
        if (same) {
            return &functions[i];
        }
    }
    fail_msg("%s has no functions", info->name);
    return NULL;
}

/* Decodes what was written, by both ways, and encodes it again to the same bytes, in no more room
 * than they need. */
static void check_round_trip(const amqpc_composite_info *info, uint32_t present)
{
    const composite_functions *with = find_functions(info);
    any_composite composite;
    any_composite other;
    amqpc_value value;
    uint8_t bytes[ROOM];
    uint8_t again[ROOM];
    size_t size = write_composite(info, present, bytes);
    size_t offset = 0;
    size_t used = 0;
    memset(&composite, 0xaa, sizeof composite);
    memset(&other, 0x55, sizeof other);
    assert_int_equal(with->decode(bytes, size, &composite, &offset), AMQPC_OK);
    assert_int_equal(offset, size);
    assert_int_equal(composite.present, present);
    assert_int_equal(amqpc_value_decode(bytes, size, NULL, &value, NULL), AMQPC_OK);
    assert_int_equal(amqpc_value_composite(&value), info->type);
    assert_int_equal(with->from_value(&value, &other), AMQPC_OK);
    assert_int_equal(other.present, present);
    for (size_t capacity = 0; capacity <= size; capacity++) {
        amqpc_status status = with->encode(&composite, again, capacity, &used);
        assert_int_equal(status, capacity < size ? AMQPC_BUFFER_FULL : AMQPC_OK);
    }
    assert_int_equal(used, size);
    assert_memory_equal(again, bytes, size);
    composite.present |= ~((1u << info->field_count) - 1); /* bits of no field mean nothing */
    assert_int_equal(with->encode(&composite, again, ROOM, &used), AMQPC_OK);
    assert_memory_equal(again, bytes, size);
}

static void test_all_fields_and_each_alone(void **state)
{
    (void)state;
    size_t count = 0;
    const amqpc_composite_info *infos = amqpc_composite_info_all(&count);
    assert_int_equal(count, FUNCTIONS);
    for (size_t i = 0; i < count; i++) {
        uint32_t mandatory = mandatory_fields(&infos[i]);
        check_round_trip(&infos[i], mandatory);
        check_round_trip(&infos[i], (1u << infos[i].field_count) - 1);
        for (uint32_t field = 0; field < infos[i].field_count; field++) {
            check_round_trip(&infos[i], mandatory | 1u << field);
        }
    }
}

static void test_row_37_each_mandatory_field_missing(void **state)
{
    (void)state;
    size_t count = 0;
    const amqpc_composite_info *infos = amqpc_composite_info_all(&count);
    for (size_t i = 0; i < count; i++) {
        uint32_t mandatory = mandatory_fields(&infos[i]);
        for (uint32_t field = 0; field < infos[i].field_count; field++) {
            if ((mandatory & 1u << field) == 0) {
                continue;
            }
            any_composite composite;
            uint8_t bytes[ROOM];
            size_t offset = 0;
            size_t size = write_composite(&infos[i], mandatory & ~(1u << field), bytes);
            assert_int_equal(find_functions(&infos[i])->decode(bytes, size, &composite, &offset),
                             AMQPC_MISSING_FIELD);
            assert_true(offset == size || bytes[offset] == AMQPC_CODE_NULL);
            composite.present = mandatory & ~(1u << field);
            assert_int_equal(find_functions(&infos[i])->encode(&composite, bytes, ROOM, &size),
                             AMQPC_MISSING_FIELD);
        }
    }
}

static void test_row_25_truncation_of_every_composite(void **state)
{
    (void)state;
    size_t count = 0;
    const amqpc_composite_info *infos = amqpc_composite_info_all(&count);
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[ROOM];
        size_t size = write_composite(&infos[i], (1u << infos[i].field_count) - 1, bytes);
        for (size_t cut = 0; cut < size; cut++) {
            any_composite composite;
            size_t offset = 0;
            uint8_t *exact = (uint8_t *)malloc(cut == 0 ? 1 : cut);
            memcpy(exact, bytes, cut);
            assert_int_equal(find_functions(&infos[i])->decode(exact, cut, &composite, &offset),
                             AMQPC_TRUNCATED);
            assert_true(offset <= cut);
            free(exact);
        }
    }
}

/* Puts a value of no field's type, a double, in place of a field. */
static void check_wrong_type(const amqpc_composite_info *info, uint32_t field)
{
    amqpc_value items[32];
    amqpc_value parts[2] = {{.type = AMQPC_TYPE_ULONG, .as.u64 = info->type},
                            {.type = AMQPC_TYPE_LIST,
                             .form = AMQPC_FORM_ITEMS,
                             .count = info->field_count,
                             .as.items = items}};
    const amqpc_value whole = {
        .type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = parts};
    size_t expected = SIZE_MAX;
    uint8_t bytes[ROOM];
    amqpc_writer *writer = NULL;
    for (uint32_t i = 0; i < info->field_count; i++) {
        items[i] = i == field ? (amqpc_value){.type = AMQPC_TYPE_DOUBLE, .as.f64 = 12345.678}
                              : sample(&info->fields[i]);
    }
    assert_int_equal(amqpc_writer_new(NULL, &writer), AMQPC_OK);
    amqpc_writer_set_fixed(writer, bytes, ROOM);
    assert_int_equal(amqpc_writer_value(writer, &whole), AMQPC_OK);
    size_t size = amqpc_writer_size(writer);
    amqpc_writer_free(writer);
    for (size_t at = 0; at + 1 < size && expected == SIZE_MAX; at++) {
        expected = bytes[at] == AMQPC_CODE_DOUBLE && bytes[at + 1] == 0x40 ? at : SIZE_MAX;
    }
    any_composite composite;
    size_t offset = 0;
    assert_int_equal(find_functions(info)->decode(bytes, size, &composite, &offset),
                     AMQPC_WRONG_TYPE);
    assert_int_equal(offset, expected);
}

static void test_row_38_each_field_of_a_wrong_type(void **state)
{
    (void)state;
    size_t count = 0;
    const amqpc_composite_info *infos = amqpc_composite_info_all(&count);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t field = 0; field < infos[i].field_count; field++) {
            if (infos[i].fields[field].kind != AMQPC_FIELD_ANY) {
                check_wrong_type(&infos[i], field);
            }
        }
    }
}

static void test_row_39_one_field_too_many(void **state)
{
    (void)state;
    size_t count = 0;
    const amqpc_composite_info *infos = amqpc_composite_info_all(&count);
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[40] = {0x00,
                             0x53,
                             (uint8_t)infos[i].type,
                             AMQPC_CODE_LIST8,
                             (uint8_t)(infos[i].field_count + 2),
                             (uint8_t)(infos[i].field_count + 1)};
        memset(bytes + 6, AMQPC_CODE_NULL, infos[i].field_count + 1);
        any_composite composite;
        size_t offset = 0;
        assert_int_equal(
            find_functions(&infos[i])->decode(bytes, 7 + infos[i].field_count, &composite, &offset),
            AMQPC_TOO_MANY_FIELDS);
        assert_int_equal(offset, 5);
    }
}

static void test_symbolic_descriptors_of_all_composites(void **state)
{
    (void)state;
    size_t count = 0;
    const amqpc_composite_info *infos = amqpc_composite_info_all(&count);
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[ROOM];
        uint8_t symbolic[ROOM] = {0x00, AMQPC_CODE_SYMBOL8};
        any_composite composite;
        size_t offset = 0;
        size_t name_size = strlen(infos[i].symbol);
        size_t size = write_composite(&infos[i], mandatory_fields(&infos[i]), bytes);
        symbolic[2] = (uint8_t)name_size;
        memcpy(symbolic + 3, infos[i].symbol, name_size);
        memcpy(symbolic + 3 + name_size, bytes + 3, size - 3);
        assert_int_equal(
            find_functions(&infos[i])->decode(symbolic, size + name_size, &composite, &offset),
            AMQPC_OK);
        assert_int_equal(offset, size + name_size);
        symbolic[2 + name_size] ^= 1;
        assert_int_equal(
            find_functions(&infos[i])->decode(symbolic, size + name_size, &composite, &offset),
            AMQPC_UNKNOWN_DESCRIPTOR);
        assert_int_equal(offset, 1);
    }
}

static void test_absent_fields_hold_their_defaults(void **state)
{
    (void)state;
    const uint8_t open_bytes[] = {0x00, 0x53, 0x10, 0xc0, 4, 1, 0xa1, 1, 'a'};
    const uint8_t attach_bytes[] = {0x00, 0x53, 0x12, 0xc0, 6, 3, 0xa1, 1, 'a', 0x43, 0x41};
    const uint8_t header_bytes[] = {0x00, 0x53, 0x70, 0x45};
    const uint8_t source_bytes[] = {0x00, 0x53, 0x28, 0x45};
    amqpc_open open;
    amqpc_attach attach;
    amqpc_header header;
    amqpc_source source;
    assert_int_equal(amqpc_open_decode(open_bytes, sizeof open_bytes, NULL, &open, NULL), AMQPC_OK);
    assert_int_equal(open.max_frame_size, UINT32_MAX);
    assert_int_equal(open.channel_max, UINT16_MAX);
    assert_int_equal(open.idle_time_out, 0);
    assert_int_equal(open.offered_capabilities.count, 0);
    assert_int_equal(open.properties.type, AMQPC_TYPE_NULL);
    assert_int_equal(amqpc_attach_decode(attach_bytes, sizeof attach_bytes, NULL, &attach, NULL),
                     AMQPC_OK);
    assert_int_equal(attach.snd_settle_mode, AMQPC_SENDER_SETTLE_MODE_MIXED);
    assert_int_equal(attach.rcv_settle_mode, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    assert_int_equal(amqpc_header_decode(header_bytes, sizeof header_bytes, NULL, &header, NULL),
                     AMQPC_OK);
    assert_int_equal(header.priority, 4);
    assert_int_equal(amqpc_source_decode(source_bytes, sizeof source_bytes, NULL, &source, NULL),
                     AMQPC_OK);
    assert_int_equal(source.expiry_policy.size, 11);
    assert_memory_equal(source.expiry_policy.data, "session-end", 11);
}

static void test_symbols_from_every_form(void **state)
{
    (void)state;
    const uint8_t one[] = {0x00, 0x53, 0x30, 0xc0, 4, 1, 0xa3, 1, 'x'};
    const uint8_t two[] = {0x00, 0x53, 0x30, 0xc0, 10, 1, 0xe0, 7, 2, 0xa3, 1, 'x', 2, 'y', 'y'};
    const amqpc_bytes items[2] = {{"x", 1}, {"yy", 2}};
    amqpc_coordinator coordinator;
    amqpc_bytes symbol;
    uint8_t bytes[600];
    size_t size = 0;
    assert_int_equal(amqpc_coordinator_decode(one, sizeof one, NULL, &coordinator, NULL), AMQPC_OK);
    assert_int_equal(amqpc_symbols_get(&coordinator.capabilities, 0, &symbol), AMQPC_OK);
    assert_int_equal(symbol.size, 1);
    assert_int_equal(amqpc_symbols_get(&coordinator.capabilities, 1, &symbol), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_coordinator_decode(two, sizeof two, NULL, &coordinator, NULL), AMQPC_OK);
    assert_int_equal(coordinator.capabilities.count, 2);
    assert_int_equal(amqpc_symbols_get(&coordinator.capabilities, 1, &symbol), AMQPC_OK);
    assert_memory_equal(symbol.data, "yy", 2);
    coordinator = (amqpc_coordinator){.present = AMQPC_COORDINATOR_CAPABILITIES,
                                      .capabilities = {.count = 2, .items = items}};
    assert_int_equal(amqpc_symbols_get(&coordinator.capabilities, 0, &symbol), AMQPC_OK);
    assert_int_equal(amqpc_coordinator_encode(&coordinator, bytes, sizeof bytes, &size), AMQPC_OK);
    assert_int_equal(size, sizeof two);
    assert_memory_equal(bytes, two, size);
    /* A symbol of more than 255 bytes makes the whole array one of sym32. */
    static const char long_text[300] = {0};
    const amqpc_bytes long_items[2] = {{"x", 1}, {long_text, sizeof long_text}};
    coordinator.capabilities.items = long_items;
    assert_int_equal(amqpc_coordinator_encode(&coordinator, bytes, sizeof bytes, &size), AMQPC_OK);
    assert_int_equal(amqpc_coordinator_decode(bytes, size, NULL, &coordinator, NULL), AMQPC_OK);
    assert_int_equal(amqpc_symbols_get(&coordinator.capabilities, 1, &symbol), AMQPC_OK);
    assert_int_equal(symbol.size, sizeof long_text);
}

static void test_values_that_may_not_stand_there_are_not_encoded(void **state)
{
    (void)state;
    const amqpc_value wrong = {.type = AMQPC_TYPE_INT, .as.i64 = 1};
    uint8_t bytes[128];
    size_t size = 0;
    amqpc_properties properties = {.present = AMQPC_PROPERTIES_MESSAGE_ID, .message_id = wrong};
    amqpc_disposition disposition = {.present = AMQPC_DISPOSITION_ROLE | AMQPC_DISPOSITION_FIRST |
                                                AMQPC_DISPOSITION_STATE,
                                     .state = wrong};
    amqpc_modified modified = {.present = AMQPC_MODIFIED_MESSAGE_ANNOTATIONS,
                               .message_annotations = wrong};
    amqpc_coordinator coordinator = {.present = AMQPC_COORDINATOR_CAPABILITIES,
                                     .capabilities = {.count = 1, .value = wrong}};
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION, .condition = {"\xc3\xa9", 2}};
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = {"\xff", 1}};
    assert_int_equal(amqpc_properties_encode(&properties, bytes, sizeof bytes, &size),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_disposition_encode(&disposition, bytes, sizeof bytes, &size),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_modified_encode(&modified, bytes, sizeof bytes, &size),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_coordinator_encode(&coordinator, bytes, sizeof bytes, &size),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_error_encode(&error, bytes, sizeof bytes, &size),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_open_encode(&open, bytes, sizeof bytes, &size), AMQPC_INVALID_ARGUMENT);
}

static void test_long_fields_make_the_list_wide(void **state)
{
    (void)state;
    static const char text[300] = {0};
    const amqpc_close close = {
        .present = AMQPC_CLOSE_ERROR,
        .error = {.present = AMQPC_ERROR_CONDITION | AMQPC_ERROR_DESCRIPTION,
                  .condition = {"c", 1},
                  .description = {text, sizeof text}},
    };
    uint8_t bytes[400];
    size_t size = 0;
    amqpc_close again;
    assert_int_equal(amqpc_close_encode(&close, bytes, sizeof bytes, &size), AMQPC_OK);
    assert_int_equal(bytes[3], AMQPC_CODE_LIST32);
    assert_int_equal(amqpc_close_decode(bytes, size, NULL, &again, NULL), AMQPC_OK);
    assert_int_equal(again.error.description.size, sizeof text);
    for (size_t capacity = 0; capacity < size; capacity++) {
        size_t ignored = 0;
        assert_int_equal(amqpc_close_encode(&close, bytes, capacity, &ignored), AMQPC_BUFFER_FULL);
    }
}

static void test_from_value_refuses_what_is_no_such_composite(void **state)
{
    (void)state;
    const amqpc_value number = {.type = AMQPC_TYPE_UINT};
    const amqpc_value tree = {.type = AMQPC_TYPE_DESCRIBED,
                              .form = AMQPC_FORM_ITEMS,
                              .count = 2,
                              .as.items = accepted_items};
    const uint8_t bytes[] = {0x00, 0x53, 0x24, 0x45};
    amqpc_limits limits;
    amqpc_accepted accepted;
    amqpc_released released;
    amqpc_value value;
    assert_int_equal(amqpc_accepted_from_value(&number, NULL, &accepted), AMQPC_WRONG_TYPE);
    assert_int_equal(amqpc_accepted_from_value(&tree, NULL, &accepted), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_value_decode(bytes, sizeof bytes, NULL, &value, NULL), AMQPC_OK);
    assert_int_equal(amqpc_accepted_from_value(&value, NULL, &accepted), AMQPC_OK);
    assert_int_equal(amqpc_released_from_value(&value, NULL, &released), AMQPC_UNKNOWN_DESCRIPTOR);
    assert_int_equal(amqpc_value_composite(&value), AMQPC_COMPOSITE_ACCEPTED);
    assert_int_equal(amqpc_value_composite(&tree), AMQPC_COMPOSITE_ACCEPTED);
    assert_int_equal(amqpc_value_composite(&number), AMQPC_COMPOSITE_NONE);
    amqpc_limits_init(&limits, sizeof limits);
    limits.depth = 1; /* a composite is a described value and a list */
    assert_int_equal(amqpc_accepted_from_value(&value, &limits, &accepted), AMQPC_TOO_DEEP);
    limits.depth = 0;
    assert_int_equal(amqpc_accepted_from_value(&value, &limits, &accepted), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_accepted_decode(bytes, sizeof bytes, &limits, &accepted, NULL),
                     AMQPC_INVALID_ARGUMENT);
    value.as.bytes.size = 0;
    assert_int_equal(amqpc_accepted_from_value(&value, NULL, &accepted), AMQPC_TRUNCATED);
}

static void test_table_knows_every_type(void **state)
{
    (void)state;
    const amqpc_composite_info *transfer = amqpc_composite_info_get(AMQPC_COMPOSITE_TRANSFER);
    assert_non_null(transfer);
    assert_string_equal(transfer->name, "transfer");
    assert_int_equal(transfer->size, sizeof(amqpc_transfer));
    assert_string_equal(transfer->fields[2].name, "delivery-tag");
    assert_int_equal(transfer->fields[2].offset, offsetof(amqpc_transfer, delivery_tag));
    assert_null(amqpc_composite_info_get(AMQPC_COMPOSITE_NONE));
    assert_null(amqpc_composite_info_get(0x71));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_fields_and_each_alone),
        cmocka_unit_test(test_row_37_each_mandatory_field_missing),
        cmocka_unit_test(test_row_25_truncation_of_every_composite),
        cmocka_unit_test(test_row_38_each_field_of_a_wrong_type),
        cmocka_unit_test(test_row_39_one_field_too_many),
        cmocka_unit_test(test_symbolic_descriptors_of_all_composites),
        cmocka_unit_test(test_absent_fields_hold_their_defaults),
        cmocka_unit_test(test_symbols_from_every_form),
        cmocka_unit_test(test_values_that_may_not_stand_there_are_not_encoded),
        cmocka_unit_test(test_long_fields_make_the_list_wide),
        cmocka_unit_test(test_from_value_refuses_what_is_no_such_composite),
        cmocka_unit_test(test_table_knows_every_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
