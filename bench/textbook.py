"""The textbook server, for comparison: a thread per connection, one lock, one durable commit per booking."""

import json
import socketserver
import sqlite3
import sys
import threading
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS booking (
    id INTEGER PRIMARY KEY, resource TEXT NOT NULL, start TEXT NOT NULL, user TEXT NOT NULL,
    UNIQUE (resource, start))
"""


class Agenda:
    """The bookings, on disk; safe for many threads."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(SCHEMA)

    def book(self, user: str, resource: str, start: str) -> int | None:
        """Id of the new booking, on disk when this returns; None when the time is taken."""
        with self._lock:
            try:
                cursor = self._database.execute(
                    "INSERT INTO booking (resource, start, user) VALUES (?, ?, ?)", (resource, start, user)
                )
            except sqlite3.IntegrityError:
                return None
            return cursor.lastrowid


class Connection(socketserver.StreamRequestHandler):
    """One client; requests are lines of JSON-RPC."""

    server: "Server"
    disable_nagle_algorithm = True
    user: str | None = None

    def handle(self) -> None:
        for line in self.rfile:
            call = json.loads(line)
            answer = {
                "jsonrpc": "2.0",
                "id": call["id"],
                **self.answer(call["method"], call.get("params", {})),
            }
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    def answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "session.open":
            self.user = params["user"]
            return {"result": {"user": {"name": self.user}}}
        if method != "booking.create":
            return {"error": {"code": -32601, "message": "Method not found"}}
        if self.user is None:
            return {"error": {"code": -32000, "message": "Not signed in", "data": {"code": "not_signed_in"}}}
        number = self.server.agenda.book(self.user, params["resource"], params["start"])
        if number is None:
            return {"error": {"code": -32000, "message": "Taken", "data": {"code": "slot_taken"}}}
        return {
            "result": {
                "id": number,
                "resource": params["resource"],
                "start": params["start"],
                "user": self.user,
            }
        }


class Server(socketserver.ThreadingTCPServer):
    """The port and its threads."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, port: int, agenda: Agenda) -> None:
        super().__init__(("127.0.0.1", port), Connection)
        self.agenda = agenda


if __name__ == "__main__":
    server = Server(int(sys.argv[1]), Agenda(sys.argv[2]))
    print("ready", flush=True)
    server.serve_forever()
