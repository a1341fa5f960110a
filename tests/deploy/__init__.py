"""Tests of what is shipped to run the agenda elsewhere: linted for its kind, and run where this machine can."""
