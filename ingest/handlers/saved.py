"""SaveArticle, EditSaved, RemoveSaved."""

from ingest.handlers.once import once, tell
from ingest.ports import Connection, Ports
from ingest.store import saved
from shared.commands import EditSaved, RemoveSaved, SaveArticle
from shared.errors import RefusedError
from shared.events import Refusal, Removed, Saved

# More than anybody reads or writes; what a user can fill is bounded, and an export holds all of it in memory.
MAX_SAVED = 10_000
MAX_NOTES = 2_000_000  # characters


def save_article(command: SaveArticle, ports: Ports, command_id: str) -> None:
    """Keep it with a copy of its title and address; what is kept already is left alone."""
    tell(ports, command_id, once(command, ports, lambda conn: _save(conn, command, ports)))


def _save(conn: Connection, command: SaveArticle, ports: Ports) -> Saved:
    user_id, notes, tags, at = command.user_id, command.notes, _distinct(command.tags), ports.clock()
    full = _full(saved.size(conn, user_id), notes)
    if command.article_id is not None:
        new = None if full else saved.insert_article(conn, user_id, command.article_id, notes, tags, at)
        kept = None if new else saved.of_article(conn, user_id, command.article_id)
    else:
        story_id = command.story_id or 0
        new = None if full else saved.insert_story(conn, user_id, story_id, notes, tags, at)
        kept = None if new else saved.of_story(conn, user_id, story_id)
    if new:
        return Saved(saved_id=new, version=1, created=True)
    if kept is None:
        raise RefusedError(full or Refusal.NOT_FOUND)
    if (notes and notes != kept.notes) or (tags and tags != kept.tags):
        raise RefusedError(Refusal.ALREADY_SAVED)
    return Saved(saved_id=kept.id, version=kept.version)


def _full(size: saved.Size, notes: str) -> Refusal | None:
    """Why there is no room for one more with these notes, if there is none."""
    if size.rows >= MAX_SAVED:
        return Refusal.TOO_MANY
    return Refusal.NOTES_FULL if size.notes + len(notes) > MAX_NOTES else None


def edit_saved(command: EditSaved, ports: Ports, command_id: str) -> None:
    tell(ports, command_id, once(command, ports, lambda conn: _edit(conn, command, ports)))


def _edit(conn: Connection, command: EditSaved, ports: Ports) -> Saved:
    if command.notes:
        others = saved.size(conn, command.user_id, besides=command.saved_id)
        if others.notes + len(command.notes) > MAX_NOTES:
            raise RefusedError(Refusal.NOTES_FULL)
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
