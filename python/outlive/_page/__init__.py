"""A cache as one page of HTML: totals, charts, and a table of entries that can be searched."""
