"""Characters that are no part of the language: how to name them, and the ASCII text that was probably meant."""

from __future__ import annotations

import unicodedata

_TWINS = {
    **dict(zip("аеорсухіјѕԁһкмтнв", "aeopcyxijsdhkmthb", strict=True)),
    **dict(zip("АВЕКМНОРСТХІЈЅ", "ABEKMHOPCTXIJS", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    **dict.fromkeys("‐‑‒–—−", "-"),
    **dict.fromkeys("‘’′ʹ", "'"),
    **dict.fromkeys("×∗⋅·", "*"),
    **dict.fromkeys("∼～˜", "~"),
    "÷": "/",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "；": ";",
    "，": ",",
    "ο": "o",
    "ı": "i",
}
_GREEK = "GREEK SMALL LETTER "


def is_blank(character: str) -> bool:
    """Whether a character shows as nothing: a special space, a zero-width or a control character."""
    return unicodedata.category(character) in {"Zs", "Zl", "Zp", "Cf", "Cc"}


def twin(character: str) -> str | None:
    """The ASCII text that a character stands for, or looks like."""
    if character in _TWINS:
        return _TWINS[character]
    name = unicodedata.name(unicodedata.normalize("NFKC", character)[0], "")
    if name.startswith(_GREEK) and name[len(_GREEK) :].isalpha():
        return name[len(_GREEK) :].lower()
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return plain if plain.isascii() and plain.isprintable() and plain.strip() else None


def ascii_form(text: str) -> str | None:
    """`text` with every character replaced by its ASCII twin; None if one has none."""
    twins = [c if c.isascii() else twin(c) for c in text]
    return None if None in twins else "".join(t for t in twins if t is not None)


def describe(character: str) -> str:
    """The character, its code point and its name, such as `а` (U+0430, Cyrillic small letter a)."""
    name = unicodedata.name(character, "").capitalize() or "control character"
    shown = "" if is_blank(character) or not character.isprintable() else f"`{character}` "
    return f"{shown}(U+{ord(character):04X}, {name})"
