"""The read side: HTTP in, archive and cache out."""
