"""How much one query may ask for, and the codes of everything that can be wrong with it."""

from typing import Literal

# Ten times the longest query that people type, and room for an alert that lists some thirty names. Reading it takes
# a millisecond, and a URL that carries it stays well within what proxies accept.
MAX_CHARACTERS = 1_000
# Each term is one or two look-ups in the index; an OR of this many common words is still answered.
MAX_TERMS = 64
# Parentheses within parentheses: people need three. The parser and the compiler recurse this deep and no deeper.
MAX_DEPTH = 10
# PostgreSQL leaves out words of more than 2,046 bytes; four bytes are the longest character.
MAX_WORD_CHARACTERS = 100
# In UTF-8: three Latin letters or one Chinese character. A shorter prefix matches a good part of the archive.
MIN_PREFIX_BYTES = 3
# Decimals of a polarity: the archive keeps about seven digits.
MAX_DECIMALS = 6

Code = Literal[
    "query_empty",
    "query_too_long",
    "query_too_many_terms",
    "query_too_deep",
    "query_bad_character",
    "query_syntax",
    "query_wildcard",
    "query_unknown_field",
    "query_bad_value",
    "query_only_common_words",
    "query_language_dependent",
]
