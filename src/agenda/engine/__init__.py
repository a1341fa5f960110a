"""Use cases over the domain: imports the domain only; what it needs from below it asks for through its ports."""
