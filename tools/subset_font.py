"""Reduce the shipped font to the characters that our texts use: `python tools/subset_font.py FONT.ttc`.

FONT is Noto Sans CJK (SIL Open Font License 1.1), its Regular or Bold collection. The result has another name, so that
it is not mistaken for the complete font where that one is installed.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = (ROOT / "experiments", ROOT / "models")
HERE = ROOT / "experiments" / "words" / "fonts"
SUFFIXES = {".csv", ".py", ".html", ".js", ".css", ".yaml"}
LATIN = "".join(map(chr, range(0x20, 0x7F))) + "".join(map(chr, range(0xA0, 0x100)))
SIGNS = "–—‘’“”…•·‰′″←↑→↓−×÷≈≠≤≥∞ΣΔαβγδεκλμρσφψ●◆▲■□○△▼◀▶✓★⁰⁴⁵⁶⁷⁸⁹₂" + "\u2009\u202f"
FULLWIDTH = "，。、；：？！（）《》「」％～【】"
FAMILY = "Tanlu Sans"


def characters() -> str:
    """Every character that the shipped font must contain: Latin, signs, and the characters of our sources."""
    files = (path for folder in SOURCES for path in folder.rglob("*") if path.suffix in SUFFIXES)
    texts = (path.read_text(encoding="utf-8") for path in files)
    cjk = {character for text in texts for character in text if is_chinese(character)}
    return "".join(sorted(cjk | set(LATIN + SIGNS + FULLWIDTH)))


def is_chinese(character: str) -> bool:
    """Whether a character is Chinese or full-width punctuation."""
    return "\u3000" <= character <= "\u303f" or "\u4e00" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"


def subset(collection: Path, weight: str) -> Path:
    """Write `TanluSans-<weight>.otf` from the simplified-Chinese member of a Noto Sans CJK collection."""
    from fontTools import subset as cutter  # type: ignore[import-untyped]
    from fontTools.ttLib import TTCollection  # type: ignore[import-untyped]

    font = next(member for member in TTCollection(collection) if member["name"].getDebugName(1) == "Noto Sans CJK SC")
    options = cutter.Options(hinting=False, desubroutinize=True, layout_features=["kern", "locl"], name_IDs=[0, 13, 14])
    tool = cutter.Subsetter(options)
    tool.populate(text=characters())
    tool.subset(font)
    for number, text in {1: FAMILY, 2: weight, 4: f"{FAMILY} {weight}", 6: f"TanluSans-{weight}"}.items():
        font["name"].setName(text, number, 3, 1, 0x409)
    top = font["CFF "].cff
    top.fontNames[0] = f"TanluSans-{weight}"
    top[0].FamilyName, top[0].FullName = FAMILY, f"{FAMILY} {weight}"
    target = HERE / f"TanluSans-{weight}.otf"
    part = target.with_suffix(".part")  # replaced at once, so that a program that is drawing keeps the old file
    font.save(part)
    return part.replace(target)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(subset(Path(name), "Bold" if "Bold" in Path(name).stem else "Regular"))
