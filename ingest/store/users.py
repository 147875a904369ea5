"""Users: who signed in with Reddit, and their sealed tokens."""

from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import class_row


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user as operators see one."""

    id: int
    username: str
    roles: list[str]
    created_at: datetime
    last_login_at: datetime


class SealedTokens(msgspec.Struct, frozen=True, kw_only=True):
    """A user's tokens, as stored."""

    user_id: int
    reddit_tokens: bytes
    token_expires_at: datetime


def sign_in(
    conn: Connection[Any], reddit_id: str, username: str, at: datetime
) -> tuple[int, bool, bytes | None]:
    """Know this person from now on; returns the id, whether it is a new one, and the sealed tokens of the last time.

    The row is locked until the end of the transaction.
    """
    new = conn.execute(
        """
        INSERT INTO users (reddit_id, username, identity_checked_at, last_login_at, created_at)
        VALUES (%s, %s, %s, %s, %s) ON CONFLICT (reddit_id) DO NOTHING RETURNING id
        """,
        (reddit_id, username, at, at, at),
    ).fetchone()
    if new:
        return new[0], True, None
    row = conn.execute(
        "SELECT id, reddit_tokens FROM users WHERE reddit_id = %s FOR NO KEY UPDATE", (reddit_id,)
    ).fetchone()
    if row is None:  # the account was deleted between the two statements
        return sign_in(conn, reddit_id, username, at)
    conn.execute(
        "UPDATE users SET username = %s, identity_checked_at = %s, last_login_at = %s WHERE id = %s",
        (username, at, at, row[0]),
    )
    return row[0], False, row[1]


def put_tokens(
    conn: Connection[Any], user_id: int, sealed: bytes | None, expires_at: datetime | None, scope: str | None
) -> None:
    """Store a user's sealed tokens, or that there are none."""
    conn.execute(
        "UPDATE users SET reddit_tokens = %s, token_expires_at = %s, token_scope = %s WHERE id = %s",
        (sealed, expires_at, scope, user_id),
    )


def reseal(conn: Connection[Any], user_id: int, old: bytes, new: bytes) -> None:
    """The same tokens under another key, unless they have changed meanwhile."""
    conn.execute(
        "UPDATE users SET reddit_tokens = %s WHERE id = %s AND reddit_tokens = %s", (new, user_id, old)
    )


def lock_tokens(conn: Connection[Any], user_id: int) -> SealedTokens | None:
    """A user's tokens; nobody else refreshes or revokes them until the end of the transaction."""
    with conn.cursor(row_factory=class_row(SealedTokens)) as cursor:
        return cursor.execute(
            """
            SELECT id AS user_id, reddit_tokens, token_expires_at FROM users
            WHERE id = %s AND reddit_tokens IS NOT NULL FOR NO KEY UPDATE
            """,
            (user_id,),
        ).fetchone()


def tokens_after(conn: Connection[Any], user_id: int, count: int) -> list[SealedTokens]:
    """The next users who have tokens, by id."""
    with conn.cursor(row_factory=class_row(SealedTokens)) as cursor:
        return cursor.execute(
            """
            SELECT id AS user_id, reddit_tokens, token_expires_at FROM users
            WHERE id > %s AND reddit_tokens IS NOT NULL ORDER BY id LIMIT %s
            """,
            (user_id, count),
        ).fetchall()


def identified(conn: Connection[Any], user_id: int, username: str, at: datetime) -> None:
    """Reddit has just told who this is."""
    conn.execute(
        "UPDATE users SET username = %s, identity_checked_at = %s WHERE id = %s", (username, at, user_id)
    )


def lock_roles(conn: Connection[Any], user_id: int) -> list[str]:
    """A user's roles; writes that lock them take turns. Empty: no such user."""
    row = conn.execute("SELECT roles FROM users WHERE id = %s FOR NO KEY UPDATE", (user_id,)).fetchone()
    return row[0] if row else []


def named(conn: Connection[Any], name: str) -> list[User]:
    """Everybody of this name, whatever its case."""
    with conn.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(
            """
            SELECT id, username, roles, created_at, last_login_at FROM users
            WHERE lower(username) = lower(%s) ORDER BY id
            """,
            (name,),
        ).fetchall()


def everybody(conn: Connection[Any]) -> list[User]:
    with conn.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(
            "SELECT id, username, roles, created_at, last_login_at FROM users ORDER BY id"
        ).fetchall()


def add_role(conn: Connection[Any], user_id: int, role: str) -> bool:
    """False when the user has it."""
    return bool(
        conn.execute(
            "UPDATE users SET roles = roles || %s::text WHERE id = %s AND %s <> ALL (roles)",
            (role, user_id, role),
        ).rowcount
    )


def remove_role(conn: Connection[Any], user_id: int, role: str) -> bool:
    """False when the user does not have it."""
    return bool(
        conn.execute(
            "UPDATE users SET roles = array_remove(roles, %s) WHERE id = %s AND %s = ANY (roles)",
            (role, user_id, role),
        ).rowcount
    )


def lock(conn: Connection[Any], user_id: int) -> None:
    """Let writes of the user finish, and no other begin before the end of the transaction."""
    conn.execute("SELECT FROM users WHERE id = %s FOR UPDATE", (user_id,))


def delete(conn: Connection[Any], user_id: int) -> bool:
    """Everything that refers to the user goes, too. False when there is no such user.

    The user first: searches that are being recorded right now are committed by then, and seen.
    """
    gone = conn.execute("DELETE FROM users WHERE id = %s", (user_id,)).rowcount
    conn.execute("DELETE FROM search_history WHERE user_id = %s", (user_id,))
    return bool(gone)
