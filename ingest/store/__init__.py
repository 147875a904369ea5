"""The write side's SQL, one file per noun."""
