"""Values and rules: imports nothing of ours and only the standard library; clock, random and input are handed in."""
