"""The tests; each folder here is a package, so that helpers are imported as `tests.…`."""
