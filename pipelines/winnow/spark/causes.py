"""What went wrong where no error of ours says it: the cause, out of the text of others."""

import errno
import re
from collections.abc import Iterator

from winnow.errors import Problem

_OUT_OF_MEMORY = re.compile(
    r"out ?of ?memory|Cannot allocate memory|cannot be allocated|bad_alloc|Java heap space|"
    r"memory allocation of|malloc of size|realloc of size|Resources exhausted|"
    r"failed to map segment from shared object",
    re.IGNORECASE,
)
_WRITING = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EROFS: "the file system can only be read",
    errno.EACCES: "this may not be read or written",
    errno.EPERM: "this may not be written",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EMFILE: "too many files are open",
}
NO_ROOM = (_WRITING[errno.ENOSPC], _WRITING[errno.EDQUOT])
"""What ``problem_of`` says where there is no room to write."""

# How an engine tells of them in its text.
_WORDS = {
    "No space left on device": errno.ENOSPC,
    "os error 28": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "Read-only file system": errno.EROFS,
    "os error 30": errno.EROFS,
    "Permission denied": errno.EACCES,
    "os error 13": errno.EACCES,
    "Too many open files": errno.EMFILE,
}
_FILE = re.compile(r"(?:file:/{1,3}|(?<![\w/:]))/?([\w.+-]*/[^\s\"'`<>|,;]*[^\s\"'`<>|,;:.)\]}])")
_NEXT = {
    errno.ENOSPC: "Make room there, or name another folder, and run it again.",
    errno.EDQUOT: "Make room there, or name another folder, and run it again.",
    errno.EMFILE: "Raise the limit (ulimit -n) and run it again.",
    errno.ENAMETOOLONG: "Name a shorter one.",
}
_MAY_WRITE = "Let the user that runs this write there, or name another folder."


def problem_of(error: BaseException) -> Problem:
    """Return what a person needs to know of an exception that is none of ours."""
    chain = list(_chain(error))
    for one in chain:
        if isinstance(one, MemoryError) or _OUT_OF_MEMORY.search(str(one)):
            return Problem(
                "memory",
                "there is too little of it for this",
                found=_line(one),
                next_step="Use a machine with more, or less data at once.",
            )
    for one in chain:
        if isinstance(one, OSError) and one.errno in _WRITING:
            return _of_file(one.errno, str(one.filename or ""), _line(one))
    text = str(error)
    for words, number in _WORDS.items():
        if words in text:
            before = text[: text.index(words)].rpartition("\n")[2]
            names = _FILE.findall(before) or _FILE.findall(text)
            return _of_file(number, f"/{names[-1].lstrip('/')}" if names else "", cause_in(text))
    return Problem("winnow", f"{type(error).__name__}: {cause_in(text) or 'no message'}")


def cause_in(text: str) -> str:
    """Return the line of an error's text that says why.

    That is the last one of a chain of Java's causes, else the last line of a Python traceback,
    else the first line.
    """
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if not lines:
        return ""
    causes = [line for line in lines if line.startswith("Caused by:")]
    if causes:
        return causes[-1].removeprefix("Caused by:").strip()
    traces = [n for n, line in enumerate(lines) if line.startswith("Traceback (most recent")]
    if traces:
        raw = text.strip().splitlines()
        begin = max(n for n, line in enumerate(raw) if "Traceback (most recent" in line)
        # Of a traceback, the frames are indented; Java's frames follow with a tab.
        message = [line.strip() for line in raw[begin + 1 :] if line[:1] not in (" ", "\t", "")]
        if message:
            return message[0]
    return lines[0]


def _of_file(number: int, name: str, message: str) -> Problem:
    return Problem(name or "winnow", _WRITING[number], message, None, _NEXT.get(number, _MAY_WRITE))


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {cause_in(str(error))}".removesuffix(": ")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__
