"""The cookies of a browser: what each is for, how long it lives, and who may read it."""

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from shared.config import ApiSettings

# `__Host-` makes browsers refuse the name from a sister domain, from plain HTTP, and for any path but "/".
_PREFIX: Final = "__Host-"
ACCESS: Final = "newsintel"
REFRESH: Final = "newsintel-refresh"
CSRF: Final = "newsintel-csrf"
STATE: Final = "newsintel-state"


class Cookies:
    """Makes, reads and ends cookies; all are Secure and for this host alone."""

    def __init__(self, settings: ApiSettings) -> None:
        self._secure = settings.cookie_secure
        self._access_seconds = settings.access_seconds

    def name(self, of: str) -> str:
        return _PREFIX + of if self._secure else of

    def read(self, connection: ASGIConnection[Any, Any, Any, Any], of: str) -> str | None:
        return connection.cookies.get(self.name(of))

    def session(self, *, access: str, refresh: str, csrf: str, seconds: int) -> list[Cookie]:
        """The three of a session that ends in `seconds`.

        The refresh token goes along everywhere: `__Host-` allows no narrower path.
        """
        return [
            self._made(ACCESS, access, self._access_seconds),
            self._made(REFRESH, refresh, seconds, samesite="strict"),
            # The page's own scripts read this one and send it back as a header, which no other site can.
            self._made(CSRF, csrf, seconds, samesite="strict", httponly=False),
        ]

    def state(self, value: str, seconds: int) -> Cookie:
        return self._made(STATE, value, seconds)

    def ended(self, *names: str) -> list[Cookie]:
        return [self._made(name, "", 0) for name in names]

    def _made(
        self, of: str, value: str, seconds: int, *, samesite: str = "lax", httponly: bool = True
    ) -> Cookie:
        return Cookie(
            key=self.name(of),
            value=value,
            max_age=seconds,
            path="/",
            secure=self._secure,
            httponly=httponly,
            samesite="strict" if samesite == "strict" else "lax",
        )
