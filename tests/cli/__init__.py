"""The command line, command by command, as processes against a real server."""
