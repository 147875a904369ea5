"""Operators' commands: `newsintel <noun> <verb>`, one file per noun."""
