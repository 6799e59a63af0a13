"""The explorer as one self-contained HTML file: no network, no server, scripts allowed by their hash alone."""

import base64
import gzip
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.explore.content import Content
from experiments.explore.members import Members
from experiments.words import fonts

if TYPE_CHECKING:
    from experiments.runs.store import Run

HERE = Path(__file__).parent


def plain(value: Any) -> Any:
    """NumPy's numbers as Python's, NaN as None."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return None if not np.isfinite(value) else float(value)
    return value


def shortened(value: Any) -> Any:
    """Plain data with seven digits of every number: enough for the picture that precedes the first run."""
    if isinstance(value, dict):
        return {key: shortened(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shortened(one) for one in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def inert(content: Any) -> str:
    """JSON that no HTML parser can leave: no character that begins a tag or an entity."""
    text = json.dumps(plain(content), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("\u2028", "\\u2028")


def packed(content: Any) -> str:
    """JSON compressed by gzip, in base64: the worker opens it with the browser's own DecompressionStream."""
    text = json.dumps(plain(content), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def static(name: str) -> str:
    """One of our files."""
    return (HERE / "static" / name).read_text(encoding="utf-8")


def html(held: Members, run: "Run | None" = None, lang: str = "en") -> str:
    """The page. lang: the language in which it opens where neither link nor reader has chosen another."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    from sim.wasm_export import RUNTIME

    script = static("chart.js") + static("app.js")
    worker = "\n".join((RUNTIME.read_text(encoding="utf-8"), static("engine.js"), static("worker.js")))
    content = Content(held, run)
    data = {**content.shared(), **content.page(), "lang": lang, "worker": worker}
    data["first"] = shortened(plain(data["first"]))
    pages = Environment(loader=PackageLoader("experiments.explore"), autoescape=True, undefined=StrictUndefined)
    page = pages.get_template("explore.html").render(
        lang="zh-CN" if lang == "zh" else "en",
        hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        script=Markup(script),
        style=Markup(static("app.css")),
        data=Markup(inert(data)),
        engine=Markup(packed(content.engine())),
    )
    return fonts.embedded(page)


def write(held: Members, path: Path, run: "Run | None" = None, lang: str = "en") -> Path:
    """Write the page; its path."""
    from experiments.runs.store import write_text

    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, html(held, run, lang))
    return path
