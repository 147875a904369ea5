"""The invented outlets of the made-up news: who they are and how each of them writes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outlet:
    """One news site as NewsAPI sees it."""

    name: str
    domain: str
    source_id: str | None = None
    language: str = "en"
    country: str = "us"
    suffix: bool = True
    """Whether its titles end in ` - Outlet`."""
    entities: bool = False
    """Whether HTML entities are left in its texts."""
    url_author: bool = False
    """Whether it gives an address where the author should be."""
    category: str = "general"

    @property
    def slug(self) -> str:
        """Its name in an address."""
        return self.domain.partition(".")[0]


ENGLISH = (
    Outlet("Northern Courier", "northern-courier.example", "northern-courier"),
    Outlet("The Harbour Post", "harbourpost.example", "the-harbour-post", entities=True),
    Outlet("Meridian Wire", "meridianwire.example", "meridian-wire", suffix=False),
    Outlet("Capital Ledger", "capital-ledger.example", "capital-ledger", category="business"),
    Outlet("Daily Lantern", "dailylantern.example"),
    Outlet(
        "Signal & Stack", "signalandstack.example", "signal-and-stack", entities=True, category="technology"
    ),
    Outlet("Plain Science", "plainscience.example", suffix=False, category="science"),
    Outlet("Prairie Tribune", "prairie-tribune.example", url_author=True),
    Outlet("Coastline News", "news.coastline.example", suffix=False),
    Outlet("The Evening Register", "eveningregister.example"),
)
"""What tells the stories in English."""

FOREIGN = {
    "de": Outlet("Elbe Kurier", "elbe-kurier.example", "elbe-kurier", language="de", country="de"),
    "fr": Outlet("La Gazette du Rhône", "gazette-rhone.example", None, language="fr", country="fr"),
    "es": Outlet(
        "El Faro del Sur", "farodelsur.example", "el-faro-del-sur", language="es", country="es", suffix=False
    ),
    "hi": Outlet("Nadi Samachar", "nadisamachar.example", None, language="hi", country="in", suffix=False),
}

AUTHORS = (
    "Ines Calloway",
    "Tom Abernathy",
    "Priya Raman",
    "Joanna Whitlock",
    "Mateus Oliveira",
    "Hannah Brandt",
    "Sam Okonkwo",
    "Lucy Fairweather",
    "Daniel Kessler and Aiko Mori",
    "Rosa Lindqvist",
    "By Peter Haldane",
    "Staff",
)

REDDITORS = (
    "wet_leaf_season",
    "Proper_Kettle",
    "orbital_badger",
    "thirdrailreader",
    "MossyStairs",
    "quietpanda77",
    "notthatfarnorth",
    "Inkwell_Ivy",
    "longform_larry",
    "saltmarsh",
)
