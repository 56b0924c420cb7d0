"""A page as its elements, read with the standard library: no browser, no parser that forgives."""

from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "img", "input"}


@dataclass
class Element:
    """One element: its name, its attributes, and all text in it."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    inside: list["Element"] = field(default_factory=list)

    def all(self, name: str, kind: str | None = None) -> list["Element"]:
        """Every element of a name below this one; of a class, where one is given."""
        found = [one for one in self.inside if one.name == name and one.has(kind)]
        return found + [deep for one in self.inside for deep in one.all(name, kind)]

    def has(self, kind: str | None) -> bool:
        return kind is None or kind in self.attributes.get("class", "").split()

    def by_id(self, key: str) -> "Element":
        found = [one for one in self.everything() if one.attributes.get("id") == key]
        assert len(found) == 1, f"{len(found)} elements have the id {key}"
        return found[0]

    def everything(self) -> list["Element"]:
        return [deep for one in self.inside for deep in [one, *one.everything()]]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("page", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].name == tag, f"</{tag}> closes <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


@cache
def read(html: str) -> Element:
    """Return the page as a tree. Every element must be closed where it was opened.

    The tree is shared by all who read the same text, so it must not be changed.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert [element.name for element in reader.open] == ["page"]
    return reader.open[0]


def words(element: Element) -> str:
    """Return the text of an element with single spaces, hard spaces too."""
    return " ".join(element.text.split())
