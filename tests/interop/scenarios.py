"""What the engine does with one other implementation, in both roles; a test file for each gives the name of the other."""

from __future__ import annotations

import unittest
from collections.abc import Iterator

from peers import Conversation, Summary

# Frame sizes with messages of up to so many bytes, how many messages, and the windows of sessions in frames (0: the default).
SIZES = [(512, 60, 300, 0), (4096, 300_000, 8, 0), (4096, 300_000, 8, 8), (65536, 300_000, 8, 0), (65536, 1000, 500, 16)]

ERROR = "amqp:internal-error: the test wants it"


class Scenarios(unittest.TestCase):
    """Subclasses say who the other is."""

    other = ""
    # What the other cannot do.
    has_second = True
    has_sessions_with_errors = True

    def pairs(self) -> Iterator[tuple[str, str, bool]]:
        """(server, client, whether the client receives), all there are."""
        for server, client in sorted({(self.other, "engine"), ("engine", self.other)}):
            for receives in (False, True):
                yield server, client, receives

    def converse(self, server: str, client: str, receives: bool, *both: str, sender: tuple[str, ...] = (), receiver: tuple[str, ...] = (),
                 for_client: tuple[str, ...] = (), for_server: tuple[str, ...] = ()) -> tuple[Summary, Summary]:
        """Gives the summaries of the link's sender and its receiver."""
        with_client = (*(receiver if receives else sender), *for_client, *(("--receive",) if receives else ()))
        with_server = (*(sender if receives else receiver), *for_server)
        ran = Conversation(server, client, both, with_server, with_client)
        for summary in (ran.client, ran.server):
            self.assertEqual((summary["failure"], summary["bad"], summary["clean"]), ("", 0, True), (ran.client, ran.server))
        return (ran.server, ran.client) if receives else (ran.client, ran.server)

    def assert_moved(self, sender: Summary, receiver: Summary, count: int, outcome: str = "") -> None:
        """All messages arrived; with an outcome all are settled with it on both sides."""
        self.assertEqual((sender["sent"], receiver["received"]), (count, count))
        for name in ("accepted", "rejected", "released", "modified"):
            self.assertEqual(sender[name], count if name == outcome else 0, name)
        if outcome:
            self.assertEqual((sender["settled"], receiver["settled"]), (count, count))

    def test_messages_of_one_frame_and_of_many(self) -> None:
        for pair in self.pairs():
            for frame_size, size, count, window in SIZES:
                for settled in (False, True):
                    with self.subTest(pair=pair, frame_size=frame_size, size=size, window=window, settled=settled):
                        words = [f"--max-frame-size={frame_size}", f"--size={size}", f"--count={count}", f"--window={window}"]
                        options = " ".join(words).replace("=", " ").split() + ["--settled"] * settled
                        sender, receiver = self.converse(*pair, *options)
                        self.assert_moved(sender, receiver, count, "" if settled else "accepted")

    def test_messages_in_pieces_and_by_reference(self) -> None:
        for pair in self.pairs():
            for ours in ("--stream", "--by-reference"):
                with self.subTest(pair=pair, ours=ours):
                    words = ("--max-frame-size", "4096", "--size", "100000")
                    at_server = pair[0] == "engine"
                    sender, receiver = self.converse(*pair, *words, for_server=(ours,) * at_server, for_client=(ours,) * (not at_server))
                    self.assert_moved(sender, receiver, 10, "accepted")

    def test_every_outcome(self) -> None:
        for pair in self.pairs():
            for outcome in ("rejected", "released", "modified"):
                with self.subTest(pair=pair, outcome=outcome):
                    self.assert_moved(*self.converse(*pair, receiver=("--outcome", outcome)), 10, outcome)

    def test_pitfall_9_receiver_settle_mode_second_has_a_third_leg(self) -> None:
        if not self.has_second:
            self.skipTest(f"{self.other} settles at once")
        for pair in self.pairs():
            with self.subTest(pair=pair):
                self.assert_moved(*self.converse(*pair, "--second"), 10, "accepted")

    def test_pitfall_10_credit_that_is_not_used_is_drained(self) -> None:
        for pair in self.pairs():
            with self.subTest(pair=pair):
                # The sender, where it is the client, stays until its flow is out.
                sender, receiver = self.converse(*pair, "--drain", sender=("--hold-ms", "100"))
                self.assert_moved(sender, receiver, 10, "accepted")
                self.assertEqual((sender["drained"], receiver["drained"]), (True, True))

    def test_pitfall_1_heartbeats_keep_a_silent_connection_open(self) -> None:
        for server, client, _ in list(self.pairs())[::2]:
            with self.subTest(server=server, client=client):
                # A process that does not run for as long as lies between what is borne and what is advertised breaks this: 400 ms.
                ran = Conversation(server, client, ("--count", "1", "--idle-ms", "800"), for_client=("--hold-ms", "3000"))
                for summary in (ran.client, ran.server):
                    self.assertEqual((summary["failure"], summary["clean"]), ("", True), (ran.client, ran.server))
                    # 800 ms of silence are borne, 400 advertised: an empty frame at least every 400 ms, and some 7 without need for more.
                    self.assertGreaterEqual(summary["frames_sent"], 10)
                    self.assertLessEqual(summary["frames_sent"], 40)
                self.assertGreaterEqual(ran.seconds, 3)

    def test_pitfall_20_links_are_suspended(self) -> None:
        for pair in self.pairs():
            with self.subTest(pair=pair):
                sender, receiver = self.converse(*pair, for_client=("--end", "suspend"))
                self.assertEqual((sender["suspended"], receiver["suspended"]), (True, True))

    def test_pitfall_20_a_refused_link_is_attached_and_detached(self) -> None:
        for server, client, receives in self.pairs():
            with self.subTest(server=server, client=client, receives=receives):
                ran = Conversation(server, client, for_server=("--refuse",), for_client=("--receive",) if receives else ())
                self.assertEqual((ran.client["refused"], ran.client["error"]), (True, "amqp:not-found"))
                self.assertEqual((ran.client["clean"], ran.server["clean"]), (True, True))

    def test_errors_of_links_sessions_and_connections_arrive(self) -> None:
        for server, client, receives in self.pairs():
            for end in ("detach", "end", "close-error"):
                for at_server in (False, True):
                    if end == "end" and not self.has_sessions_with_errors:
                        continue
                    with self.subTest(server=server, client=client, receives=receives, end=end, at_server=at_server):
                        # Whoever ends it waits a little, so that the outcomes are out; the other does not end it, however long that takes.
                        ends, waits = ("--end", end, "--hold-ms", "50"), ("--end", "none")
                        ran = Conversation(server, client, for_server=ends if at_server else (),
                                           for_client=(*(waits if at_server else ends), *(("--receive",) if receives else ())))
                        told, teller = (ran.client, ran.server) if at_server else (ran.server, ran.client)
                        self.assertEqual((told["error"], teller["error"]), (ERROR, ""))
                        self.assertEqual((told["clean"], teller["clean"]), (True, True))
