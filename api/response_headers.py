"""The headers of answers, as the OpenAPI document tells them."""

from collections.abc import Mapping
from typing import Final

from litestar.openapi.spec import OpenAPIHeader, OpenAPIResponse, Reference, Schema
from litestar.openapi.spec.enums import OpenAPIType

_LIMITS: Final = ("RateLimit", "RateLimit-Policy")
_OF_STATUS: Final = {
    "202": ("Location", "Retry-After"),
    "303": ("Location",),
    "308": ("Location",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}
# Name -> type, what it says, an example.
_KNOWN: Final = {
    "X-Request-ID": (
        OpenAPIType.STRING,
        "Names the request in our logs; one that the caller sent is kept.",
        "8e03978e40d543ddbc936894a57f9324",
    ),
    "RateLimit": (
        OpenAPIType.STRING,
        "What is left of each limit, and seconds until it is whole again.",
        '"burst";r=199;t=10, "hour";r=3599;t=3600',
    ),
    "RateLimit-Policy": (
        OpenAPIType.STRING,
        "The limits: requests and seconds.",
        '"burst";q=200;w=10, "hour";q=3600;w=3600',
    ),
    "Retry-After": (OpenAPIType.INTEGER, "Seconds after which it is worth asking again.", 5),
    "Location": (OpenAPIType.STRING, "Where to go.", "/stories/1"),
    "ETag": (
        OpenAPIType.STRING,
        "Names this very answer, for If-None-Match and If-Match.",
        '"33a64df551425fcc55e4d42a148795d9"',
    ),
    "Cache-Status": (
        OpenAPIType.STRING,
        "Where the answer was had (RFC 9211).",
        "newsintel; hit; detail=memory; ttl=42",
    ),
    "Age": (OpenAPIType.INTEGER, "Seconds since the answer was made, when it is kept.", 18),
    "Link": (
        OpenAPIType.STRING,
        "Other pages of the list (RFC 8288).",
        '</articles?q=storm&page=2>; rel="next"',
    ),
    "Preference-Applied": (
        OpenAPIType.STRING,
        "For how long the sources would have been waited for, when the caller preferred something (RFC 7240).",
        "wait=5",
    ),
}


def components() -> dict[str, OpenAPIHeader | Reference]:
    """Each header once: every response refers to them."""
    return {
        name: OpenAPIHeader(schema=Schema(type=type_), description=description, example=example)
        for name, (type_, description, example) in _KNOWN.items()
    }


def document(found: Mapping[str, OpenAPIResponse], *, tagged: bool, paged: bool, preferred: bool) -> None:
    """Add its headers to each response.

    tagged: what is written has an ETag; paged: the answer is one of many pages; preferred: Prefer is obeyed.
    """
    always = ["X-Request-ID", *(_LIMITS if "429" in found else ())]
    # What looks at Accept is read by everybody, and kept.
    kept = ["Cache-Status", "Age"] if "406" in found and "304" in found else []
    shown = [
        *(["ETag"] if tagged or "304" in found or "412" in found else []),
        *kept,
        *(["Link"] if paged else []),
        *(["Preference-Applied"] if preferred else []),
    ]
    for status, response in found.items():
        own = shown if status in {"200", "201", "304"} else _OF_STATUS.get(status, ())
        response.headers = {name: Reference(ref=f"#/components/headers/{name}") for name in (*always, *own)}
