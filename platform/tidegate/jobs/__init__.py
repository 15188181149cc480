"""Work that happens later: the job table and what drains it."""
