"""The desktop window: Tk over the client library, never the engine."""
