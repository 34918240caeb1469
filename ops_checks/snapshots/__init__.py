"""A snapshot of the queue's database and its KPIs in a file, for checks where neither database nor log is."""
