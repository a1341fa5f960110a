"""The client library, over real TCP against a server that says what the test tells it to."""
