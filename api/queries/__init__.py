"""The only SQL of the read side, one file per noun."""
