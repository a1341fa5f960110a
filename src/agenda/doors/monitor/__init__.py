"""The monitor: says over HTTP whether this node works and how it fares; no customer's data passes here."""
