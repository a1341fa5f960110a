"""The tools on the store: verify, doctor, backup, restore and fill, each on real damage."""
