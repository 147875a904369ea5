"""The query language of searches and alerts: text → tree → tsquery and conditions. It does no I/O."""
