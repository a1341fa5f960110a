"""The measuring tools themselves: what they count is what happened."""
