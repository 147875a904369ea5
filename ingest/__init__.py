"""The write side: the only writer of PostgreSQL and the only one that speaks to the outside world."""
