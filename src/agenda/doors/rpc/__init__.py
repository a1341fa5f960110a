"""The socket door: JSON-RPC 2.0, one object per line, over TCP or TLS."""
