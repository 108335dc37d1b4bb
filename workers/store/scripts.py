"""The Lua scripts: each one step that no other client can be seen half-way through."""

from __future__ import annotations

from enum import Enum
from importlib import resources


class Script(Enum):
    """A script of this folder: `<name>.lua` says what it does, takes and returns."""

    CREATE = "create"
    CLAIM = "claim"
    RENEW = "renew"
    RECORD = "record"
    RELEASE = "release"
    CANCEL = "cancel"
    BLAME = "blame"
    WAITING = "waiting"
    BEAT = "beat"
    FIGURES = "figures"

    @property
    def is_about_one_job(self) -> bool:
        """Whether `_job.lua` stands in front of it, and its first keys are those of `keys.JobKeys`."""
        return self not in {Script.WAITING, Script.BEAT, Script.FIGURES}

    def read(self) -> str:
        """The text that Redis runs."""
        folder = resources.files(__package__)
        counting = ["_figures.lua"] if self.is_about_one_job or self is Script.FIGURES else []
        parts = [*counting, *(["_job.lua"] if self.is_about_one_job else []), f"{self.value}.lua"]
        return "\n".join((folder / name).read_text("utf-8") for name in parts)
