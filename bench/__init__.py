"""Speed and memory, measured against peers on the same machine; `python -m bench` runs everything."""
