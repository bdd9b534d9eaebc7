"""A cache as one page of HTML: totals, charts, and a searchable table of entries."""
