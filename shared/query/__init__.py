"""The query language of searches and alerts: text → tree → one tsquery and conditions. It does no I/O.

query = parser.parse(text)                        what is meant; BadQueryError says where and what is wrong
key = canonical.cache_text(query.root)            one text for queries that mean the same
asked = list(lexemes.lookups(query.root))         what only PostgreSQL knows: the stems of its words;
execute(lexemes.RESOLVE, lexemes.resolve_values(asked))          they never change and may be kept
compile.compile_query(query, dict(zip(asked, answers)))          the condition and its values
standing.entry(...), standing.of_entry(...)       what an answer depends on, as the text that it is kept under
explain.terms(...), explain.steps(...)            what was understood, and the counts that explain a result
"""
