"""`.env.example` names settings that exist."""

from pathlib import Path

import msgspec
from dotenv import dotenv_values

from shared.config import PREFIX, ApiSettings, IngestSettings

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def test_every_variable_is_a_setting():
    known = {
        PREFIX + field.name.upper()
        for kind in (ApiSettings, IngestSettings)
        for field in msgspec.structs.fields(kind)
    }
    named = set(dotenv_values(EXAMPLE))
    assert named
    assert named <= known
