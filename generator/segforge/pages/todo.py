"""A drafted spec while it is made: its data, and the open questions that become `TODO` comments."""

from dataclasses import dataclass, field
from typing import Any, Final

from segforge.spec.printable import one_line
from segforge.spec.yaml_text import dump

_HEAD: Final = "# yaml-language-server: $schema=../schema/model.schema.json\n"


@dataclass
class Draft:
    """A drafted spec: its data for ruamel.yaml, its open questions, and warnings about calls that it can't make."""

    slug: str
    data: Any
    todos: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of the spec file, with its comments."""
        advice = "Rewrite the descriptions in your own words, then run: segforge lint"
        note = f"# Drafted by segforge import; {len(self.todos)} TODO. {advice}\n"
        settle_comments(self.data)
        return _HEAD + note + dump(self.data)


def mark_todo(made: Draft, data: Any, key: str, text: str) -> None:
    """Adds a TODO above a key of the data. A key can have several. `settle_comments` turns them into comments."""
    note = one_line(text).replace("#", "no.")[:300]
    made.todos.append(note)
    waiting = getattr(data, "todo_notes", {})
    waiting.setdefault(key, []).append(f"TODO {note}")
    data.todo_notes = waiting


def settle_comments(data: Any, indent: int = 0) -> None:
    """Turns the notes of `mark_todo` into comments above their keys, in the whole document."""
    from ruamel.yaml.comments import CommentedMap

    for key, notes in getattr(data, "todo_notes", {}).items():
        if key in data and notes:
            data.yaml_set_comment_before_after_key(key, before="\n".join(notes), indent=indent)
    for value in data.values():
        if isinstance(value, CommentedMap):
            settle_comments(value, indent + 2)
