"""amqpcodec dump of raw bytes and hexadecimal text: values, messages, and one direction of a stream."""

from __future__ import annotations

import json
import unittest
from typing import Any

import frames
from captures import HEADERS, read_vectors
from tool import VECTORS, Result, dump


class Case(unittest.TestCase):
    def assert_fails(self, result: Result, status: str, offset: int, begin: int = 0) -> None:
        self.assertEqual(result.status, 1)
        self.assertRegex(result.errors, rf"^amqpcodec: standard input: offset {offset}: {status}: ")
        self.assertIn(f" from offset {begin}:\n", result.errors)
        self.assertIn(f"\n{status} at offset {offset - begin}: ", result.errors)
        self.assertIn("  expected: ", result.errors)

    def assert_prints(self, result: Result, *lines: str) -> None:
        self.assertEqual(result.errors, "")
        self.assertEqual(result.lines, list(lines))
        self.assertEqual(result.status, 0)


class Forms(Case):
    def test_raw_bytes(self) -> None:
        self.assert_prints(dump(b"\x53\x05\x40", "--input", "raw"), "ulong(5)", "null")
        self.assert_prints(dump(b"\x53\x05\x40"), "ulong(5)", "null")

    def test_hex_text(self) -> None:
        for text in ("530540", "53 05 40\n", "0x53 0x05\t0X40", " # a comment, 12\n5305 # x\n40", "5 3 0 5 4\n0", "53\r\n05\r\n40"):
            for options in ((), ("--input=hex",)):
                self.assert_prints(dump(text.encode(), *options), "ulong(5)", "null")

    def test_bytes_that_are_hex_digits_are_taken_for_text_unless_said(self) -> None:
        self.assert_fails(dump(b"AABB"), "UNKNOWN_FORMAT_CODE", 0)
        self.assert_prints(dump(b"AABB", "--input=raw"), "true", "true", "false", "false")

    def test_bad_digit(self) -> None:
        for options in ((), ("--input=hex",)):
            result = dump(b"5305\n 40 5g\n40", *options)
            self.assertEqual((result.status, result.lines), (1, ["ulong(5)", "null"]))
            self.assertEqual(result.errors, "amqpcodec: standard input: line 2, column 6: 'g' is not a hexadecimal digit\n")

    def test_bad_byte(self) -> None:
        result = dump(b"53\x0053", "--input=hex")
        self.assertEqual(result.status, 1)
        self.assertIn("line 1, column 3: the byte 0x00 is not", result.errors)

    def test_x_is_a_prefix_only_after_one_zero(self) -> None:
        for text, column in (("x53", 1), ("0 x53", 3), ("530x53", 0), ("53x53", 3), ("00x53", 3)):
            result = dump(text.encode(), "--input=hex", "--as=value")
            self.assertEqual(f"column {column}:" in result.errors, column > 0, text)

    def test_odd_number_of_digits(self) -> None:
        result = dump(b"5305 4", "--input=hex")
        self.assertEqual((result.status, result.lines), (1, ["ulong(5)"]))
        self.assertIn("line 1, column 7: the text ends after the first digit of a byte", result.errors)

    def test_hex_text_of_many_pieces(self) -> None:
        result = dump(b"# long\n" + b"5305\n" * 100000 + b"q")
        self.assertEqual(len(result.lines), 100000)
        self.assertIn("line 100002, column 1: 'q'", result.errors)


class Values(Case):
    def test_every_vector(self) -> None:
        for vector in read_vectors(VECTORS, "value"):
            if not vector.data:
                continue  # no value at all is nothing wrong with a stream of values
            with self.subTest(vector.name):
                result = dump(vector.data, "--input=raw", "--as=value")
                if vector.text.startswith("@ulong(112) "):
                    self.assertTrue(result.output.startswith("header("), result.output)
                elif vector.status == "ok":
                    self.assertEqual((result.status, result.errors), (0, ""))
                    self.assertEqual(result.lines[0], vector.text)
                elif vector.status != "ok":
                    self.assert_fails(result, vector.status, vector.offset)

    def test_all_vectors_in_one_stream_and_as_json(self) -> None:
        vectors = [v for v in read_vectors(VECTORS, "value") if v.status == "ok" and v.offset == len(v.data)]
        result = dump(b"".join(v.data for v in vectors), "--json", "--input=raw", "--as=value")
        self.assertEqual((result.status, result.errors), (0, ""))
        self.assertEqual(len(result.documents()), len(vectors))

    def test_offset_counts_from_the_start_of_the_input(self) -> None:
        result = dump(b"\x40" * 100000 + b"\xa1\x02a\xff", "--input=raw")
        self.assertEqual(len(result.lines), 100000)
        self.assert_fails(result, "BAD_UTF8", 100003, 100000)

    def test_large_value_in_many_pieces(self) -> None:
        size = 5000000
        result = dump(b"\xb0" + size.to_bytes(4, "big") + bytes(size))
        self.assertEqual((result.status, len(result.output)), (0, 2 * size + len("binary()\n")))

    def test_size_that_is_never_filled(self) -> None:
        self.assert_fails(dump(b"\xb0\xff\xff\xff\xff" + bytes(1000000)), "TRUNCATED", 1)

    def test_max_message_size(self) -> None:
        result = dump(b"\x40\xb0\xff\xff\xff\xff" + bytes(1000000), "--max-message-size=1000")
        self.assertEqual((result.status, result.lines), (1, ["null"]))
        self.assertIn("offset 1: the value is larger than --max-message-size, 1000", result.errors)

    def test_composites_have_names(self) -> None:
        self.assert_prints(dump(frames.composite(0x10, frames.string("a"))), 'open(container-id="a")')

    def test_composites_that_are_none_are_printed_as_they_are(self) -> None:
        uuid = b"\x98" + b"A" * 8 + b"\0\x10" + bytes(6)
        for descriptor in (0x10, 0x12, 0x14, 0x1D, 0x28, 0x29, 0x40, 0x44, 0x70, 0x73):
            for count in range(1, 15):
                for options in ((), ("--json",)):
                    result = dump(frames.composite(descriptor, *[uuid] * count), "--input=raw", "--as=value", *options)
                    self.assertEqual((result.status, result.errors), (0, ""), (descriptor, count, options))
                    self.assertEqual(result.output.count("41414141-4141"), count, result.output)

    def test_depth(self) -> None:
        nested = b"\xc0\x04\x01\xc0\x01\x00"
        self.assert_prints(dump(nested, "--depth=2"), "[[]]")
        self.assert_fails(dump(nested, "--depth=1"), "TOO_DEEP", 3)

    def test_compound_elements(self) -> None:
        self.assert_fails(dump(b"\xc0\x03\x02\x40\x40", "--compound-elements=1"), "TOO_MANY_ELEMENTS", 2)

    def test_zero_width_elements(self) -> None:
        self.assert_fails(dump(b"\xe0\x02\x02\x40", "--zero-width-elements=1"), "TOO_MANY_ZERO_WIDTH", 2)


class Messages(Case):
    def test_every_vector(self) -> None:
        for vector in read_vectors(VECTORS, "message"):
            with self.subTest(vector.name):
                result = dump(vector.data, "--input=raw", "--as=message")
                if vector.status == "ok":
                    self.assert_prints(result, vector.text)
                    document = dump(vector.data, "--input=raw", "--as=message", "--json").documents()
                    self.assertEqual(len(document), 1)
                    self.assertIsInstance(document[0], dict)
                else:
                    self.assert_fails(result, vector.status, vector.offset)

    def test_max_message_size(self) -> None:
        message = frames.data_message(bytes(100))
        self.assertEqual(dump(message, "--as=message", f"--max-message-size={len(message)}").status, 0)
        result = dump(message, "--as=message", f"--max-message-size={len(message) - 1}")
        self.assertEqual(result.status, 1)
        self.assertIn("--max-message-size", result.errors)


class Streams(Case):
    def test_every_frame_vector(self) -> None:
        for vector in read_vectors(VECTORS, "frame"):
            with self.subTest(vector.name):
                result = dump(vector.data, "--input=raw", "--as=stream", "--no-header")
                if vector.status == "ok" and " more=true" not in vector.text:
                    self.assert_prints(result, vector.text)
                elif vector.status == "ok":
                    self.assertEqual(result.status, 0)
                    self.assertTrue(vector.text.startswith(result.lines[0].split(" payload(")[0]))
                else:
                    self.assert_fails(result, vector.status, vector.offset)

    def test_headers_sasl_and_frames(self) -> None:
        server = HEADERS["sasl"] + frames.sasl_mechanisms() + frames.sasl_outcome() + HEADERS["amqp"] + frames.open_frame("s")
        client = HEADERS["sasl"] + frames.sasl_init() + HEADERS["amqp"] + frames.open_frame("c") + frames.frame(b"")
        self.assert_prints(
            dump(server),
            "protocol-header(protocol=SASL, version=1.0.0)",
            '[sasl] sasl-mechanisms(sasl-server-mechanisms=[:"PLAIN"])',
            "[sasl] sasl-outcome(code=ok)",
            "protocol-header(protocol=AMQP, version=1.0.0)",
            '[0] open(container-id="s", max-frame-size=65536)',
        )
        self.assert_prints(
            dump(client),
            "protocol-header(protocol=SASL, version=1.0.0)",
            '[sasl] sasl-init(mechanism=:"PLAIN", initial-response=binary(00750070))',
            "protocol-header(protocol=AMQP, version=1.0.0)",
            '[0] open(container-id="c", max-frame-size=65536)',
            "[0] empty",
        )

    def test_frame_after_the_outcome_is_no_header(self) -> None:
        result = dump(HEADERS["sasl"] + frames.sasl_outcome() + frames.open_frame("x"))
        self.assertEqual((result.status, len(result.lines)), (1, 2))
        self.assertIn(f"offset {8 + len(frames.sasl_outcome())}: BAD_PROTOCOL_HEADER", result.errors)
        self.assertIn("found: " + frames.open_frame("x")[:8].hex(), result.errors)

    def test_json(self) -> None:
        data = HEADERS["amqp"] + frames.open_frame("a") + frames.transfer_frame(frames.data_message(b"\xca"))
        documents = dump(data, "--json").documents()
        self.assertEqual(documents[0], {"offset": 0, "protocol-header": {"protocol": "AMQP", "version": "1.0.0"}})
        self.assertEqual(documents[1], {"offset": 8, "channel": 0,
                                        "performative": {"open": {"container-id": "a", "max-frame-size": 65536}}})
        self.assertEqual(documents[2]["performative"]["transfer"]["delivery-tag"], {"binary": "74"})
        self.assertEqual(documents[2]["message"], {"header": {"durable": True}, "data": ["ca"]})

    def test_split_at_every_byte_of_hex_text(self) -> None:
        data = HEADERS["amqp"] + frames.open_frame("a") + frames.close_frame()
        self.assert_prints(dump(" ".join(f"{byte:02x}" for byte in data).encode()),
                           *dump(data).lines)

    def test_not_a_header(self) -> None:
        for data, offset in ((b"AMQP\x00\x00\x09\x01", 5), (b"HTTP/1.1 200", 0), (b"AMQP\x01\x01\x00\x00", 4)):
            result = dump(data, "--as=stream", "--input=raw")
            self.assertEqual((result.status, result.output), (1, ""))
            self.assertIn(f"offset {offset}: BAD_PROTOCOL_HEADER: ", result.errors)
            self.assertIn("found: " + data[:8].hex(), result.errors)

    def test_header_that_is_cut(self) -> None:
        result = dump(b"AMQP\x00\x01")
        self.assertEqual(result.status, 1)
        self.assertIn("offset 6: TRUNCATED: ", result.errors)

    def test_frame_that_is_cut_at_every_byte(self) -> None:
        data = HEADERS["amqp"] + frames.open_frame("a")
        for size in range(9, len(data)):
            result = dump(data[:size], "--as=stream")
            self.assertEqual((result.status, len(result.lines)), (1, 1))
            self.assertIn("offset 8: TRUNCATED: ", result.errors)

    def test_bad_performative_is_reported_and_the_next_frame_shown(self) -> None:
        bad = frames.frame(frames.composite(0x10, frames.uint(1)))
        result = dump(HEADERS["amqp"] + frames.begin_frame() + bad + frames.close_frame())
        self.assertEqual(len(result.lines), 3)
        self.assertEqual(result.lines[2], "[0] close()")
        at = 8 + len(frames.begin_frame())
        self.assert_fails(result, "WRONG_TYPE", at + 8 + 12, at)
        self.assertIn("open.container-id", result.errors)

    def test_composite_in_a_performative_that_is_none_does_no_harm(self) -> None:
        uuid = b"\x98" + b"A" * 8 + b"\0\x10" + bytes(6)
        source = frames.composite(0x28, *[frames.NULL] * 6, uuid)  # distribution-mode is a symbol
        attach = frames.composite(0x12, frames.string("l"), frames.uint(0), frames.FALSE, frames.NULL, frames.NULL, source)
        for options in ((), ("--json",)):
            self.assertIn(dump(HEADERS["amqp"] + frames.frame(attach), *options).status, (0, 1))

    def test_bad_frame_header_stops(self) -> None:
        result = dump(HEADERS["amqp"] + frames.begin_frame() + b"\0\0\0\4\2\0\0\0" + frames.close_frame())
        self.assertEqual((result.status, len(result.lines)), (1, 2))
        self.assert_fails(result, "FRAME_SIZE_TOO_SMALL", 8 + len(frames.begin_frame()), 8 + len(frames.begin_frame()))

    def test_bad_message_is_reported_and_its_bytes_shown(self) -> None:
        payload = b"\x00\x53\x75\xa1\x01a"
        transfer = frames.transfer_frame(payload)
        result = dump(HEADERS["amqp"] + transfer + frames.close_frame())
        self.assertTrue(result.lines[1].endswith(f" payload({payload.hex()})"))
        self.assertEqual(result.lines[2], "[0] close()")
        begin = 8 + len(transfer) - len(payload)
        self.assert_fails(result, "WRONG_TYPE", begin + 3, begin)

    def test_other_message_formats_need_not_be_messages(self) -> None:
        result = dump(HEADERS["amqp"] + frames.transfer_frame(b"\1\2\3", message_format=7))
        self.assertEqual((result.status, result.errors), (0, ""))
        self.assertTrue(result.lines[1].endswith(" payload(010203)"))

    def test_tls_cannot_be_shown(self) -> None:
        result = dump(HEADERS["tls"] + bytes(1000))
        self.assertEqual((result.status, result.lines), (1, ["protocol-header(protocol=TLS, version=1.0.0)"]))
        self.assertIn("offset 8: TLS follows, which cannot be shown: 1000 bytes", result.errors)


class FrameSizes(Case):
    def test_default_is_65536(self) -> None:
        body = frames.data_message(bytes(70000))
        result = dump(HEADERS["amqp"] + frames.transfer_frame(body))
        self.assert_fails(result, "FRAME_TOO_LARGE", 8, 8)

    def test_open_announces_more(self) -> None:
        data = HEADERS["amqp"] + frames.open_frame("a", 2**32 - 1) + frames.transfer_frame(frames.data_message(bytes(70000)))
        self.assertEqual(dump(data).status, 0)

    def test_option_holds_whatever_open_announces(self) -> None:
        data = HEADERS["amqp"] + frames.open_frame("a", 2**32 - 1) + frames.transfer_frame(frames.data_message(bytes(1000)))
        self.assert_fails(dump(data, "--max-frame-size=512"), "FRAME_TOO_LARGE",
                          8 + len(frames.open_frame("a")), 8 + len(frames.open_frame("a")))

    def test_channels(self) -> None:
        data = HEADERS["amqp"] + frames.begin_frame(65535)
        self.assertEqual(dump(data).status, 0)
        self.assert_fails(dump(data, "--channels=65535"), "BAD_CHANNEL", 14, 8)


class Deliveries(Case):
    def dump_json(self, *parts: bytes) -> list[Any]:
        result = dump(HEADERS["amqp"] + b"".join(parts), "--json")
        self.assertEqual((result.status, result.errors), (0, ""))
        return result.documents()[1:]

    def test_of_three_frames(self) -> None:
        message = frames.data_message(bytes(range(100)))
        documents = self.dump_json(
            frames.transfer_frame(message[:10], more=True),
            frames.transfer_frame(message[10:50], delivery_id=None, more=True),
            frames.transfer_frame(message[50:], delivery_id=None),
        )
        self.assertEqual([document.get("payload") for document in documents],
                         [message[:10].hex(), message[10:50].hex(), message[50:].hex()])
        self.assertNotIn("message", documents[0])
        self.assertNotIn("message", documents[1])
        self.assertEqual(documents[2]["delivery"], {"frames": 3, "size": len(message)})
        self.assertEqual(documents[2]["message"]["data"], [bytes(range(100)).hex()])

    def test_as_text(self) -> None:
        message = frames.data_message(b"ab")
        result = dump(HEADERS["amqp"] + frames.transfer_frame(message[:-1], more=True)
                      + frames.transfer_frame(message[-1:], delivery_id=None))
        self.assertTrue(result.lines[1].endswith(f"more=true, aborted=false) payload({message[:-1].hex()})"), result.lines)
        self.assertTrue(result.lines[2].endswith(
            f" payload(62) delivery(frames=2, size={len(message)}) header(durable=true) data(6162)"), result.lines)

    def test_of_several_links_and_channels_are_told_apart(self) -> None:
        places = [(0, 0), (0, 1), (1, 0), (0, 256), (1, 225)]
        messages = [frames.data_message(bytes([i]) * 8) for i in range(len(places))]
        firsts = [frames.transfer_frame(m[:9], more=True, channel=c, handle=h) for m, (c, h) in zip(messages, places)]
        lasts = [frames.transfer_frame(m[9:], delivery_id=None, channel=c, handle=h) for m, (c, h) in zip(messages, places)]
        documents = self.dump_json(*firsts, *lasts)[len(places):]
        self.assertEqual([d["message"]["data"] for d in documents], [[(bytes([i]) * 8).hex()] for i in range(len(places))])

    def test_aborted_is_forgotten(self) -> None:
        message = frames.data_message(b"x")
        documents = self.dump_json(
            frames.transfer_frame(b"junk", more=True),
            frames.transfer_frame(b"", delivery_id=None, aborted=True),
            frames.transfer_frame(message, delivery_id=1),
        )
        self.assertEqual(documents[2]["message"]["data"], ["78"])

    def test_detach_and_end_forget(self) -> None:
        message = frames.data_message(b"x")
        for last in (frames.detach_frame(0), frames.end_frame()):
            documents = self.dump_json(frames.transfer_frame(b"junk", more=True), last,
                                       frames.transfer_frame(message, delivery_id=1))
            self.assertEqual(documents[2]["message"]["data"], ["78"])

    def test_another_that_begins_too_early_is_reported(self) -> None:
        message = frames.data_message(b"x")
        result = dump(HEADERS["amqp"] + frames.transfer_frame(b"junk", more=True) + frames.transfer_frame(message, delivery_id=1))
        self.assertEqual(result.status, 1)
        self.assertIn("delivery 1 begins while delivery 0 of the same link is not complete", result.errors)
        self.assertTrue(result.lines[2].endswith("data(78)"))

    def test_fault_is_placed_in_the_frame_that_has_it(self) -> None:
        payload = frames.data_message(b"x") + b"\x00\x53\x00"
        first = frames.transfer_frame(payload[:4], more=True)
        last = frames.transfer_frame(payload[4:], delivery_id=None)
        result = dump(HEADERS["amqp"] + first + last)
        end = 8 + len(first) + len(last)
        self.assertEqual(result.status, 1)
        self.assertIn(f"offset {end - 2}: UNKNOWN_SECTION: ", result.errors)
        self.assertIn(f"in the message from offset {8 + len(first) - 4}:", result.errors)

    def test_max_message_size(self) -> None:
        message = frames.data_message(bytes(100))
        result = dump(HEADERS["amqp"] + frames.transfer_frame(message[:50], more=True)
                      + frames.transfer_frame(message[50:], delivery_id=None) + frames.close_frame(), "--max-message-size=100")
        self.assertEqual((result.status, len(result.lines)), (1, 4))
        self.assertIn("is larger than --max-message-size, 100", result.errors)


class Json(Case):
    def test_every_frame_vector(self) -> None:
        for vector in read_vectors(VECTORS, "frame"):
            if vector.status == "ok":
                lines = dump(vector.data, "--input=raw", "--as=stream", "--no-header", "--json").lines
                self.assertEqual(len(lines), 1)
                document = json.loads(lines[0])
                self.assertEqual("channel" in document, "sasl" not in document)
                self.assertIn("performative", document)


if __name__ == "__main__":
    unittest.main()
