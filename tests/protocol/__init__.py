"""The socket contract, sentence by sentence, tested from outside: a real server process and plain sockets."""
