"""From when on a source counts as late: what the alarms on its two lags ring at."""

from typing import Final

# Two missed slots of the topics that come with the product, and some: every 3 hours, 30 minutes, 5 minutes.
FETCH_LATE_SECONDS: Final = {"newsapi": 7 * 3600, "guardian": 70 * 60, "reddit": 20 * 60}
# The newest article: NewsAPI's Developer plan is a day late by contract; the others have something new every hour.
NEWS_OLD_SECONDS: Final = {"newsapi": 36 * 3600, "guardian": 6 * 3600, "reddit": 3 * 3600}
