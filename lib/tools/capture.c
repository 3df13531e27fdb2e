/* `amqpcodec dump` of a capture: packets, segments, connections. */
#include "tools/connection.h"
#include "tools/dump.h"
#include "tools/pcap_file.h"
#include "tools/report.h"

static void report_result(dump *run, const window *bytes, pcap_result result)
{
    switch (result) {
    case PCAP_UNREADABLE:
        run->bad_input = true;
        break;
    case PCAP_NOT_PCAP:
        dump_report(run, "", bytes->offset, "this is not a capture (pcap)");
        break;
    case PCAP_NEXT_GENERATION:
        dump_report(
            run, "", bytes->offset,
            "this is a capture in the format pcapng; convert it by: editcap -F pcap INPUT OUTPUT");
        break;
    case PCAP_TRUNCATED:
        dump_report(run, "", bytes->offset,
                    "the capture ends within the packet, or the head, that begins here");
        break;
    case PCAP_BAD_RECORD:
        dump_report(run, "", bytes->offset, "the packet that begins here is too large to be one");
        break;
    default:
        break;
    }
}

static bool open_capture(dump *run, window *bytes, pcap_file *file)
{
    pcap_result result = pcap_open(file, &run->input, bytes);
    if (result != PCAP_OK) {
        report_result(run, bytes, result);
        return false;
    }
    if (!packet_has_link_type(file->link_type)) {
        dump_report(run, "", 20, "packets of link type %u cannot be read", file->link_type);
        return false;
    }
    return true;
}

void dump_capture(dump *run, window *bytes)
{
    pcap_file file;
    if (!open_capture(run, bytes, &file)) {
        return;
    }
    connection_table *table = connection_table_new(run);
    pcap_packet packet;
    size_t record_size = 0;
    pcap_result result = pcap_next(&file, &run->input, bytes, &packet, &record_size);
    while (result == PCAP_OK) {
        tcp_segment segment;
        if (packet_find_segment(file.link_type, packet.data, packet.size, &segment)) {
            run->time_ns = packet.time_ns;
            connection_table_take(table, &segment);
        }
        window_consume(bytes, record_size);
        result = pcap_next(&file, &run->input, bytes, &packet, &record_size);
    }
    report_result(run, bytes, result);
    connection_table_end(table);
    if (table->shown_count == 0 && !run->bad_input) {
        run->bad_input = true;
        report(run->options.port == 0
                   ? "%s: no connection begins with a protocol header of AMQP; --port shows others"
                   : "%s: no connection has the port that --port names",
               run->input.name);
    }
    connection_table_free(table);
}
