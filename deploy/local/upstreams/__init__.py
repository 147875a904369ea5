"""NewsAPI, The Guardian and Reddit on this machine: the upstream simulator.

    python -m deploy.local.upstreams --port N [--host H] [--payloads DIR] [--keep-dates] [--plan developer|business]

One process on one port; all state is in memory. It is ready when `GET /health` answers 200, and it ends on SIGTERM
or SIGINT. Nothing here is for production.

Base addresses
    NewsAPI           http://127.0.0.1:N/newsapi/v2
    Guardian          http://127.0.0.1:N/guardian
    Reddit sign-in    http://127.0.0.1:N/reddit/www     (/api/v1/authorize, access_token, revoke_token)
    Reddit API        http://127.0.0.1:N/reddit/oauth   (/r/{a+b}/new, /search, /api/info, /api/v1/me ...)
`accounts.py` has the keys, Reddit apps and users, and which redirect addresses are accepted.

Articles
    Made up (the default): some hundred stories, told by several invented outlets in slightly different words, with
    the oddities of real feeds, dated from now back over seven days; series and local news keep appearing for another
    day. The same seed makes the same articles. The Developer plan's 24 h delay of NewsAPI is off, so that a demo is
    rich: switch it on with `newsapi_delay_seconds`.
    Captured (`--payloads DIR`): newsapi-articles.jsonl.gz, guardian-results.jsonl.gz, reddit-posts.jsonl.gz; a source
    without a file serves nothing. All dates are moved so that the newest is now (NewsAPI and the Guardian together,
    Reddit by itself) unless `--keep-dates` is given. The plan is then business: no 100-result cap, no delay.
    Captured articles lack what the real source knows but does not send: NewsAPI's language is guessed, its category
    follows from words in the title, and the Guardian's only tag is the section's own.

Control, for tests and demos (JSON in, JSON out; a wrong name or type is a 400)
    POST   /_control/faults    {"source": "newsapi|guardian|reddit|reddit_token", "kind": KIND, "times": n or null,
                               "match": part of the path or null, ...}
               delay        min_ms, max_ms
               status       status (503), retry_after: that answer instead of the source's
               truncate     the body stops after 3/5 of it
               html         an HTML page instead, with status (200)
               huge         size_mb (11) more megabytes in the body
               wrong_types  items (1; null = all), fields (title, date, url), where "items" or "container"
               nulls        items, fields
               endless      every page of a listing is full of new items and promises more
               withdraw     keys, or the items (1) newest; at once, until the faults are cleared;
                            how "removed", "deleted" (Reddit), "gone" (Guardian: isGone instead of 404)
               drop         the connection is closed in the middle of the answer
    GET    /_control/faults    those still pending
    DELETE /_control/faults    [?source=]  lift them; withdrawn items come back
    GET    /_control/calls     [?last=50]  {"counts": {source: n}, "limited": {source: n}, "last": [...]}
    DELETE /_control/calls
    GET    /_control/settings  all of `settings.py`
    POST   /_control/settings  any of them, e.g. {"reddit_token_lifetime": 3600}, {"guardian_per_second": 1},
                               {"clock_offset_seconds": 700} to let 700 seconds pass
    POST   /_control/articles  {"source": "newsapi|guardian|reddit", "items": [{...}]}; missing fields are filled in
    POST   /_control/reset     back to how it started
"""
