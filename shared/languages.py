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

# ISO 639-1, without what the archive keeps under another code.
_ISO_639_1 = """
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
    eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja
    jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nd
    ne ng nl no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss
    st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
CODES = frozenset(_ISO_639_1.split())
# Countries, older or narrower codes, and names that are written instead.
MEANT = {name: code for code, name in REGCONFIGS.items()} | {
    "cn": "zh", "cz": "cs", "dk": "da", "gr": "el", "in": "hi", "iw": "he", "jp": "ja", "nb": "no", "nn": "no",
    "sh": "sr", "ua": "uk", "ud": "ur",
    "bengali": "bn", "bulgarian": "bg", "chinese": "zh", "croatian": "hr", "czech": "cs", "farsi": "fa", "hebrew": "he",
    "japanese": "ja", "korean": "ko", "malay": "ms", "persian": "fa", "polish": "pl", "slovak": "sk", "swahili": "sw",
    "thai": "th", "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi",
    "deutsch": "de", "español": "es", "français": "fr", "italiano": "it", "nederlands": "nl", "polski": "pl",
    "português": "pt", "svenska": "sv", "русский": "ru", "українська": "uk",
}  # fmt: skip


def regconfig(language: str | None) -> str:
    """The text-search configuration for an ISO 639-1 code; `simple` where there is no stemmer."""
    return REGCONFIGS.get(language or "", "simple")
