"""Write the sources into ``docs/strategies.md``: run ``python -m docs.make_strategies``."""

from pathlib import Path
from textwrap import fill

from winnow.config.source_words import SourceWords, source_words
from winnow.config.sources import BUILT_IN

PAGE = Path(__file__).with_name("strategies.md")

BEGIN = "<!-- Made of config/source_words.yaml by python -m docs.make_strategies. -->\n"
END = "<!-- Until here. -->\n"

_INTRO = """## Every source of negatives

A *drawn* source draws from the catalogue or a part of it, a *chosen* one takes some of the items that the
ranking log has of the request or of others of the user, or that the user rejected. `winnow explain` says the same of
your config, with its numbers.
"""  # noqa: E501

_IN_A_CONFIG = {
    "f": "f",
    "top_percent": "`top`",
    "window": "the last `days` dates before D (`popularity.window_days` if not said)",
    "known_by": "`funnel.cut_known_by` says how that is known",
    "band": "within its band",
    "selected": "`selection` says which",
    "incl_prob": "incl_prob = chosen / allowed candidates where `selection` is random, given the "
    "request's list and F, else NULL; log_q is NULL",
    "rejected_prob": "incl_prob = chosen / allowed items that the user rejected, where `selection` "
    "is random, given what they clicked, else NULL; log_q is NULL",
    "sided": "with `side: before` none after it, with `either` also those as long after it",
    "others_prob": "incl_prob = chosen / allowed items of the user's other requests, where "
    "`selection` is random, given their lists, the own request's and F, else NULL; log_q is NULL",
}
"""What stands in a page for words that depend on a config."""


class _Named(dict[str, str]):
    """Settings by their names, as code."""

    def __missing__(self, name: str) -> str:
        return f"`{name}`"


def render() -> str:
    """Return the section, without what surrounds it."""
    words = source_words()
    parts = [_paragraph(name, words[name]) for name in sorted(BUILT_IN, key=_place)]
    return "\n".join([_INTRO, *parts])


def with_section(page: str) -> str:
    """Return a page with its section made anew."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{render()}{END}{rest.partition(END)[2]}"


def _place(name: str) -> tuple[bool, int]:
    return not BUILT_IN[name].drawn, BUILT_IN[name].code


def _paragraph(name: str, words: SourceWords) -> str:
    kind = "drawn" if BUILT_IN[name].drawn else "chosen"
    short = words.shortfall.removeprefix("short ")
    options = [f"With `{option}`: {_plain(text)}." for option, text in words.options.items()]
    facts = [
        *([f"Formula: {words.formula}"] if words.formula else []),
        f"On the row: {_plain(words.probability)}.",
        f"Falls short {short}.",
        f"When: {words.use}",
        f"When not: {words.avoid}",
        f"Price: {words.price}",
        *([f"Source: {words.paper}"] if words.paper else []),
    ]
    first = " ".join([f"**`{name}`** ({kind}) {_plain(words.does)}.", *options])
    lines = [_wrapped(first), "", *(_wrapped(f"- {fact}", "  ") for fact in facts), ""]
    return "\n".join(lines)


def _wrapped(text: str, indent: str = "") -> str:
    return fill(text, 115, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _plain(text: str) -> str:
    return text.format_map(_Named(_IN_A_CONFIG))


if __name__ == "__main__":
    PAGE.write_text(with_section(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
