"""The Accept header (RFC 9110, section 12.5.1): what a caller takes, and how gladly."""

Wishes = list[tuple[str, float]]  # media ranges with their quality


def wishes(accept: str) -> Wishes:
    return [_wish(each) for each in accept.split(",")]


def quality(wanted: Wishes, media_type: str) -> float:
    """Of a media type, by the most specific wish that covers it; 0 when it is not taken."""
    kind = media_type.partition("/")[0]
    for covering in (media_type, f"{kind}/*", "*/*"):
        found = [quality for wish, quality in wanted if wish == covering]
        if found:
            return max(found)
    return 0.0


def _wish(text: str) -> tuple[str, float]:
    media_type, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    try:
        return media_type, float(quality)
    except ValueError:
        return media_type, 1.0
