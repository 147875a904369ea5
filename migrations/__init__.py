"""Alembic migrations of the one schema (shared/tables.py)."""
