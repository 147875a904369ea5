"""The languages we can index with a stemmer, and the PostgreSQL text-search configuration of each."""

# ISO 639-1 code -> regconfig that PostgreSQL ships. Anything else is indexed unstemmed, with `simple`.
# The SQL function news_regconfig() in the migrations is made from this table.
REGCONFIGS = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}


def regconfig(language: str | None) -> str:
    """The text-search configuration for an ISO 639-1 code; `simple` where there is no stemmer."""
    return REGCONFIGS.get(language or "", "simple")
