"""Ways in: bytes in, a call of the engine, bytes out; no rule of the agenda is decided here."""
