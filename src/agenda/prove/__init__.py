"""`agenda prove`: clients race while things break, and a checker judges the history; knows the client library only."""
