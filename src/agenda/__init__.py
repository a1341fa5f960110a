"""Agenda: appointments that two people never hold at the same time."""

__version__ = "0.1.0"
