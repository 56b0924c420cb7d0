"""The few pieces that every chart is drawn with, escaped by construction.

Charts have no viewBox: across they are laid out in per cent, down in pixels. So a chart is as wide
as its column while its text keeps the size of the page's text, on a phone as on a wide screen.
"""

from markupsafe import Markup, escape

Attribute = str | float | None


def tag(name: str, *children: str, **attributes: Attribute) -> Markup:
    """Return an element. Text and attributes are escaped; ``class_`` is class, ``_`` a hyphen.

    Attributes that are None are left out. Numbers are rounded to a hundredth.
    """
    parts = [
        Markup(' {}="{}"').format(_name(key), _text(value))
        for key, value in attributes.items()
        if value is not None
    ]
    inner = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(name, Markup("").join(parts), inner)


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _text(value: Attribute) -> str:
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)


def across(percent: float) -> str:
    """Return a horizontal place or width."""
    return f"{round(percent, 2):g}%"


def words(x: float, y: float, text: str, kind: str = "label", anchor: str = "start") -> Markup:
    """Return a line of text; ``kind`` is its class in the style sheet."""
    place = None if anchor == "start" else anchor
    return tag("text", text, x=across(x), y=y, class_=kind, text_anchor=place)


def box(
    x: float, y: float, width: float, height: float, kind: str, hint: str | None = None
) -> Markup:
    """Return a rectangle. What has a size is never too thin to be seen."""
    shown = max(width, 0.35) if width > 0 else 0.0
    children = [tag("title", hint)] if hint else []
    return tag(
        "rect", *children, x=across(x), y=y, width=across(shown), height=height, class_=kind, rx=1.5
    )


def drawing(key: str, title: str, description: str, height: float, *parts: str) -> Markup:
    """Return a whole chart, named and described for those who do not see it."""
    return tag(
        "svg",
        tag("title", title, id=f"{key}-title"),
        tag("desc", description, id=f"{key}-desc"),
        *parts,
        id=key,
        class_="chart",
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
        width="100%",
        height=height,
    )
