"""The console never holds up the server, whoever reads it or does not."""

import os
import subprocess
import sys

from agenda.console import Unblocked


def test_lines_reach_a_reader_whole() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "w") as writer:
        Unblocked(writer).write("Agenda ouvindo em localhost:8888\n" * 50)
        writer.close()
        assert reader.read() == b"Agenda ouvindo em localhost:8888\n" * 50


def test_a_pipe_that_nobody_reads_blocks_nobody() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "w") as writer:
        line = Unblocked(writer)
        for _ in range(10_000):
            line.write("+ 127.0.0.1:1234 conectou\n")


def test_a_reader_who_left_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as writer:
        Unblocked(writer).write("Agenda ouvindo em localhost:8888\n")


def test_a_defect_is_logged_with_its_traceback_on_standard_error() -> None:
    program = (
        "from agenda.console import configure_log; configure_log()\n"
        "from agenda.doors.rpc.errors import log_incident\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError as error: print(log_incident(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in done.stderr
    assert "ZeroDivisionError" in done.stderr
