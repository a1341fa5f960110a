"""Tests of the desktop window: its plain parts alone, and the whole of it on a virtual display."""
