"""The engine's ports on SQL: imports the engine and the domain; the driver is met in `sqlite.py` alone."""
