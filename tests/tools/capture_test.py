"""amqpcodec dump of captures: file formats, link layers, TCP, connections."""

from __future__ import annotations

import struct
import unittest

import captures
import frames
from captures import ACK, HEADERS, RST, Conversation, ethernet, pcap
from tool import Result, dump


def short_conversation() -> Conversation:
    """Both open and close."""
    made = Conversation()
    made.send(HEADERS["amqp"] + frames.open_frame("client"))
    made.answer(HEADERS["amqp"] + frames.open_frame("server"))
    made.send(frames.close_frame())
    made.answer(frames.close_frame())
    made.finish()
    return made


SHORT = [
    "-> protocol-header(protocol=AMQP, version=1.0.0) 10.0.0.1:40000 to 10.0.0.2:5672",
    '-> [0] open(container-id="client", max-frame-size=65536)',
    "<- protocol-header(protocol=AMQP, version=1.0.0) 10.0.0.2:5672 to 10.0.0.1:40000",
    '<- [0] open(container-id="server", max-frame-size=65536)',
    "-> [0] close()",
    "<- [0] close()",
]


class Case(unittest.TestCase):
    def assert_short(self, result: Result) -> None:
        self.assertEqual((result.status, result.errors), (0, ""))
        self.assertEqual(result.lines, SHORT)

    def assert_fails(self, result: Result, *texts: str) -> None:
        self.assertEqual(result.status, 1)
        for text in texts:
            self.assertIn(text, result.errors)


class Formats(Case):
    def test_byte_orders_and_resolutions(self) -> None:
        packets = short_conversation().packets()
        for order in "<>":
            for nanoseconds in (False, True):
                data = pcap(packets, order=order, nanoseconds=nanoseconds)
                self.assert_short(dump(data))
                time = "1700000004.000000020" if nanoseconds else "1700000004.000020000"
                self.assertIn(f'"time": {time}, ', dump(data, "--json", "--input=pcap").lines[2])

    def test_json_names_connection_and_direction(self) -> None:
        documents = dump(short_conversation().pcap(), "--json").documents()
        self.assertEqual(len(documents), len(SHORT))
        self.assertEqual([document["direction"] for document in documents], [line[:2] for line in SHORT])
        self.assertEqual({document["connection"] for document in documents}, {1})
        self.assertEqual(documents[0]["ends"], "10.0.0.1:40000 to 10.0.0.2:5672")
        self.assertEqual([document["offset"] for document in documents],
                         [0, 8, 0, 8, 8 + len(frames.open_frame("client")), 8 + len(frames.open_frame("server"))])

    def test_pcapng_is_named(self) -> None:
        result = dump(b"\x0a\x0d\x0d\x0a" + bytes(100))
        self.assertEqual((result.status, result.output), (1, ""))
        self.assert_fails(result, "pcapng", "editcap -F pcap")

    def test_other_files_are_none(self) -> None:
        self.assert_fails(dump(b"AMQP" + bytes(100), "--input=pcap"), "this is not a capture")
        self.assert_fails(dump(b"", "--input=pcap"), "this is not a capture")

    def test_truncated_anywhere(self) -> None:
        conversation = short_conversation()
        data = conversation.pcap()
        ends = [24]
        for packet in conversation.packets():
            ends.append(ends[-1] + 16 + len(packet))
        for size in range(4, len(data), 7):
            result = dump(data[:size])
            self.assertEqual(result.lines, SHORT[: len(result.lines)])
            self.assertEqual(result.status, 0 if size in ends[4:] else 1, size)
            if size not in ends:
                begin = max([end for end in ends if end < size], default=0)
                self.assert_fails(result, f"offset {begin}: the capture ends within")

    def test_unreasonable_packet_size(self) -> None:
        data = short_conversation().pcap()
        bad = struct.pack("<IIII", 0, 0, 0xFFFFFFF0, 0xFFFFFFF0)
        result = dump(data + bad)
        self.assertEqual(result.lines, SHORT)
        self.assert_fails(result, f"offset {len(data)}: the packet that begins here is too large")

    def test_unknown_link_type(self) -> None:
        self.assert_fails(dump(pcap([], 105)), "offset 20: packets of link type 105 cannot be read")


class Links(Case):
    def test_ethernet_with_vlan_tags(self) -> None:
        self.assert_short(dump(pcap([captures.vlan(s.ipv4()) for s in short_conversation().segments])))

    def test_other_link_layers(self) -> None:
        for link_type, wrap in ((captures.NULL, captures.null), (captures.LOOP, captures.loop), (captures.RAW, captures.raw),
                                (228, captures.raw), (captures.SLL, captures.sll), (captures.SLL2, captures.sll2)):
            self.assert_short(dump(pcap([wrap(s.ipv4()) for s in short_conversation().segments], link_type)))

    def test_ipv6(self) -> None:
        two_headers = b"\x3c\0" + bytes(6) + b"\x06\0" + bytes(6)
        whole_fragment = b"\x06\0\0\0" + bytes(4)
        for extensions, protocol in ((b"", 6), (two_headers, 0), (whole_fragment, 44)):
            result = dump(pcap([ethernet(s.ipv6(extensions, protocol)) for s in short_conversation().segments]))
            self.assertEqual((result.status, result.errors), (0, ""))
            self.assertEqual(result.lines[0], SHORT[0].replace("10.0.0.1", "[::1]").replace("10.0.0.2", "[::2]"))
            self.assertEqual(result.lines[1], SHORT[1])

    def test_other_packets_are_passed_over(self) -> None:
        conversation = short_conversation()
        segment = conversation.segments[4].ipv4()
        udp = segment[:9] + b"\x11" + segment[10:]
        fragment = segment[:6] + b"\x20\x00" + segment[8:]
        arp = bytes(12) + b"\x08\x06" + bytes(46)
        others = [ethernet(udp), ethernet(fragment), arp, b"", b"\0", ethernet(segment)[:30], ethernet(segment)[:50]]
        self.assert_short(dump(pcap(others + conversation.packets() + others)))

    def test_every_packet_cut_at_every_byte_does_no_harm(self) -> None:
        conversation = short_conversation()
        for wrap, link_type in ((captures.vlan, 1), (captures.sll2, 276), (captures.null, 0)):
            for version in (captures.Segment.ipv4, captures.Segment.ipv6):
                packet = wrap(version(conversation.segments[3]))
                dump(pcap([packet[:size] for size in range(len(packet))], link_type))


class Tcp(Case):
    def test_every_byte_in_its_own_segment(self) -> None:
        made = Conversation(sequence=2**32 - 20)
        made.send(HEADERS["amqp"] + frames.open_frame("client"), 1)
        made.answer(HEADERS["amqp"] + frames.open_frame("server"), 1)
        made.send(frames.close_frame(), 1)
        made.answer(frames.close_frame(), 1)
        made.finish()
        self.assert_short(dump(made.pcap()))

    def test_repeated_segments(self) -> None:
        packets = [packet for packet in short_conversation().packets() for _ in range(2)]
        self.assert_short(dump(pcap(packets)))
        packets = short_conversation().packets()
        self.assert_short(dump(pcap(packets[:5] + packets[:5] + packets[5:])))

    def test_overlapping_segments(self) -> None:
        made = Conversation()
        data = HEADERS["amqp"] + frames.open_frame("client")
        begin = made.next[0]
        for start, end in ((0, 5), (3, 9), (0, 9), (2, 20), (19, 20), (10, len(data))):
            made.next[0] = begin + start
            made.send(data[start:end])
        made.answer(HEADERS["amqp"] + frames.open_frame("server"))
        made.send(frames.close_frame())
        made.answer(frames.close_frame())
        self.assert_short(dump(made.pcap()))

    def test_keep_alive_probe(self) -> None:
        made = short_conversation()
        probe = captures.Segment(False, made.segments[3].sequence + len(made.segments[3].payload) - 1, b"\0", ACK)
        made.segments.insert(4, probe)
        self.assert_short(dump(made.pcap()))

    def test_segments_out_of_order_are_put_in_order(self) -> None:
        made = Conversation()
        made.send(HEADERS["amqp"] + frames.open_frame("client"), 7)
        made.segments[5:] = made.segments[:4:-1]
        made.answer(HEADERS["amqp"] + frames.open_frame("server"))
        made.send(frames.close_frame())
        made.answer(frames.close_frame())
        self.assert_short(dump(made.pcap()))

    def test_gap_is_reported_and_the_other_direction_shown(self) -> None:
        made = Conversation()
        made.send(HEADERS["amqp"])
        made.send(frames.open_frame("client"))
        made.send(frames.close_frame())
        made.answer(HEADERS["amqp"] + frames.open_frame("server") + frames.close_frame())
        lost = made.segments.pop(4)
        result = dump(made.pcap())
        self.assertEqual(result.lines, [SHORT[0], SHORT[2], SHORT[3], SHORT[5]])
        self.assert_fails(result, f"-> offset 8: a gap: {len(lost.payload)} bytes are missing from the capture, "
                                  f"TCP sequence numbers {lost.sequence} to {lost.sequence + len(lost.payload) - 1}")
        self.assertEqual(result.errors.count("\n"), 1)

    def test_gap_before_the_end(self) -> None:
        made = Conversation()
        made.send(HEADERS["amqp"])
        made.send(frames.close_frame())
        made.finish()
        made.segments.pop(4)
        result = dump(made.pcap())
        self.assert_fails(result, f"-> offset 8: a gap: {len(frames.close_frame())} bytes are missing")

    def test_packet_that_was_cut_is_a_gap(self) -> None:
        made = short_conversation()
        packets = made.packets()
        packets[3] = packets[3][:70]
        self.assert_fails(dump(pcap(packets)), "-> offset 16: a gap: ")

    def test_much_after_a_gap_is_not_kept(self) -> None:
        made = Conversation()
        made.send(HEADERS["amqp"])
        made.next[0] += 100
        made.send(bytes(20 << 20), 60000)
        result = dump(made.pcap())
        self.assert_fails(result, "-> offset 8: a gap: 100 bytes are missing")

    def test_stream_that_ends_within_a_frame(self) -> None:
        made = Conversation()
        made.send((HEADERS["amqp"] + frames.open_frame("client"))[:-1])
        made.add(False, b"", RST)
        result = dump(made.pcap())
        self.assertEqual(result.lines, SHORT[:1])
        self.assert_fails(result, "-> offset 8: TRUNCATED: ")

    def test_capture_that_begins_in_the_middle(self) -> None:
        made = short_conversation()
        self.assert_short(dump(pcap(made.packets()[3:])))


class Connections(Case):
    def test_others_are_passed_over(self) -> None:
        other = Conversation(50000, 80)
        other.send(b"GET / HTTP/1.0\r\n\r\n")
        other.answer(b"AMQP or not")
        short = Conversation(50001, 80)
        short.send(b"AM")
        self.assert_short(dump(pcap(other.packets() + short.packets() + short_conversation().packets())))

    def test_any_port_will_do(self) -> None:
        made = Conversation(40000, 12345)
        made.send(HEADERS["amqp"] + frames.close_frame())
        self.assertEqual(dump(made.pcap()).lines[1], "-> [0] close()")

    def test_port_chooses(self) -> None:
        other = Conversation(50000, 5673)
        other.send(HEADERS["amqp"])
        data = pcap(other.packets() + short_conversation().packets())
        self.assert_short(dump(data, "--port", "5672"))
        self.assertEqual(len(dump(data, "--port=5673").lines), 1)
        self.assert_fails(dump(data, "--port=1"), "no connection has the port")

    def test_port_shows_what_does_not_begin_with_a_header(self) -> None:
        made = Conversation()
        made.send(frames.close_frame())
        self.assert_fails(dump(made.pcap()), "no connection begins with a protocol header of AMQP")
        self.assert_fails(dump(made.pcap(), "--port=5672"), "-> offset 0: BAD_PROTOCOL_HEADER: ")
        self.assertEqual(dump(made.pcap(), "--port=5672", "--no-header").lines, ["-> [0] close()"])

    def test_several_are_numbered(self) -> None:
        first, second = Conversation(40000), Conversation(40001)
        for made in (first, second):
            made.send(HEADERS["amqp"] + frames.close_frame())
        packets = [packet for pair in zip(first.packets(), second.packets()) for packet in pair]
        result = dump(pcap(packets))
        self.assertEqual(result.lines[1::2], ["-> [0] close()", "-> (2) [0] close()"])
        self.assertEqual([d["connection"] for d in dump(pcap(packets), "--json").documents()], [1, 1, 2, 2])

    def test_ports_that_are_used_again(self) -> None:
        first, second = short_conversation(), short_conversation()
        for segment in second.segments:
            segment.sequence += 1 << 20
        result = dump(pcap(first.packets() + second.packets()))
        self.assertEqual((result.status, len(result.lines)), (0, 12))
        self.assertTrue(result.lines[6].startswith("-> (2) protocol-header"))
        result = dump(pcap(first.packets()[:-2] + second.packets()))
        self.assertEqual((result.status, len(result.lines)), (0, 12))

    def test_many(self) -> None:
        packets = []
        for port in range(1, 3000):
            made = Conversation(port)
            made.send(HEADERS["amqp"])
            packets += made.packets()
        self.assertEqual(len(dump(pcap(packets)).lines), 2999)

    def test_empty_capture(self) -> None:
        self.assert_fails(dump(pcap([])), "no connection begins with")


class Sasl(Case):
    def test_both_directions(self) -> None:
        made = Conversation()
        made.send(HEADERS["sasl"])
        made.answer(HEADERS["sasl"] + frames.sasl_mechanisms())
        made.send(frames.sasl_init() + HEADERS["amqp"] + frames.open_frame("client"))
        made.answer(frames.sasl_outcome() + HEADERS["amqp"] + frames.open_frame("server"))
        result = dump(made.pcap())
        self.assertEqual((result.status, result.errors), (0, ""))
        self.assertEqual([line.split("(")[0] for line in result.lines], [
            "-> protocol-header", "<- protocol-header", "<- [sasl] sasl-mechanisms", "-> [sasl] sasl-init",
            "-> protocol-header", "-> [0] open", "<- [sasl] sasl-outcome", "<- protocol-header", "<- [0] open"])


class Deliveries(Case):
    def test_of_both_directions_are_told_apart(self) -> None:
        made = Conversation()
        made.send(HEADERS["amqp"])
        made.answer(HEADERS["amqp"])
        ours, theirs = frames.data_message(b"ours"), frames.data_message(b"theirs")
        made.send(frames.transfer_frame(ours[:9], more=True))
        made.answer(frames.transfer_frame(theirs[:9], more=True))
        made.send(frames.transfer_frame(ours[9:], delivery_id=None))
        made.answer(frames.transfer_frame(theirs[9:], delivery_id=None))
        lines = dump(made.pcap()).lines
        self.assertTrue(lines[4].startswith("-> ") and lines[4].endswith(f"data({b'ours'.hex()})"), lines[4])
        self.assertTrue(lines[5].startswith("<- ") and lines[5].endswith(f"data({b'theirs'.hex()})"), lines[5])

    def test_either_open_allows_large_frames(self) -> None:
        made = Conversation()
        made.send(HEADERS["amqp"] + frames.open_frame("client"))
        made.answer(HEADERS["amqp"] + frames.open_frame("server", 1 << 20))
        made.send(frames.transfer_frame(frames.data_message(bytes(100000))))
        result = dump(made.pcap())
        self.assertEqual((result.status, result.errors), (0, ""))


if __name__ == "__main__":
    unittest.main()
