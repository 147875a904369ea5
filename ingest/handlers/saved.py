"""SaveArticle, EditSaved, RemoveSaved."""

from ingest.handlers.once import once, tell
from ingest.ports import Connection, Ports
from ingest.store import saved
from shared.commands import EditSaved, RemoveSaved, SaveArticle
from shared.errors import RefusedError
from shared.events import Refusal, Removed, Saved

# More than anybody reads; what a user can fill is bounded.
MAX_SAVED = 10_000


def save_article(command: SaveArticle, ports: Ports, command_id: str) -> None:
    """Keep it with a copy of its title and address; what is kept already is left alone."""
    tell(ports, command_id, once(command, ports, lambda conn: _save(conn, command, ports)))


def _save(conn: Connection, command: SaveArticle, ports: Ports) -> Saved:
    user_id, notes, tags = command.user_id, command.notes, _distinct(command.tags)
    if command.article_id is not None:
        new = saved.insert_article(
            conn, user_id, command.article_id, notes, tags, ports.clock(), at_most=MAX_SAVED
        )
        kept = None if new else saved.of_article(conn, user_id, command.article_id)
    else:
        story_id = command.story_id or 0
        new = saved.insert_story(conn, user_id, story_id, notes, tags, ports.clock(), at_most=MAX_SAVED)
        kept = None if new else saved.of_story(conn, user_id, story_id)
    if new:
        return Saved(saved_id=new, version=1, created=True)
    if kept is None:
        full = saved.count(conn, user_id) >= MAX_SAVED
        raise RefusedError(Refusal.TOO_MANY if full else Refusal.NOT_FOUND)
    if (notes and notes != kept.notes) or (tags and tags != kept.tags):
        raise RefusedError(Refusal.ALREADY_SAVED)
    return Saved(saved_id=kept.id, version=kept.version)


def edit_saved(command: EditSaved, ports: Ports, command_id: str) -> None:
    tell(ports, command_id, once(command, ports, lambda conn: _edit(conn, command, ports)))


def _edit(conn: Connection, command: EditSaved, ports: Ports) -> Saved:
    version = saved.edit(
        conn,
        command.user_id,
        command.saved_id,
        notes=command.notes,
        tags=None if command.tags is None else _distinct(command.tags),
        if_match=command.if_match,
        at=ports.clock(),
    )
    if version is None:
        raise _missed(conn, command)
    return Saved(saved_id=command.saved_id, version=version)


def remove_saved(command: RemoveSaved, ports: Ports, command_id: str) -> None:
    tell(ports, command_id, once(command, ports, lambda conn: _remove(conn, command)))


def _remove(conn: Connection, command: RemoveSaved) -> Removed:
    if not saved.delete(conn, command.user_id, command.saved_id, command.if_match):
        raise _missed(conn, command)
    return Removed(count=1)


def _missed(conn: Connection, command: EditSaved | RemoveSaved) -> RefusedError:
    there = saved.exists(conn, command.user_id, command.saved_id)
    return RefusedError(Refusal.VERSION_MISMATCH if there else Refusal.NOT_FOUND)


def _distinct(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))
