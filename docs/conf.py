"""The site of `make docs`: these pages, those at the top of the project, and the library by its docstrings.

Sphinx reads it. Pages stay where a code host shows them, so that a link between them means the same in both places.
"""

import re
import shutil
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "cevnsi"
API = "docs/api"  # written anew by each build; git ignores it

# Pages beside the first, README, in their order.
PAGES: Mapping[str, tuple[str, ...]] = {
    "Results": (
        *("docs/results", "docs/assumptions", "docs/csi_2017", "docs/csi_2021", "docs/lar_2020", "docs/published"),
        "data/README",
    ),
    "Use": (
        "docs/tour",
        "docs/configuration",
        "docs/likelihoods",
        "docs/coverage",
        "docs/report",
        "docs/hepdata",
        "docs/library",
    ),
    "Run": ("docs/module", "docs/cluster", "docs/faults", "docs/speed"),
    "Change": ("CONTRIBUTING", "tests/mutants/README", "CHANGELOG"),
}
FIRST = ("physics", "experiments", "statistics", "fast", "scans", "output")  # of folders of the library


def modules(folder: Path) -> list[str]:
    """Names of a package and of its modules, at any depth below a folder; of the library's own those beside folders."""
    found = folder.glob("*.py") if folder == PACKAGE else folder.rglob("*.py")
    parts = [path.relative_to(PACKAGE.parent).with_suffix("").parts for path in found if path.stem != "__main__"]
    return sorted(".".join(part for part in each if part != "__init__") for each in parts)


def api_pages() -> dict[str, str]:
    """A page of the library's own modules and one of each of its folders, by document."""
    known = {path.parent.name: path.parent for path in PACKAGE.glob("*/__init__.py")}
    folders = [PACKAGE, *(known.pop(name) for name in FIRST), *(known[name] for name in sorted(known))]
    pages = {}
    for folder in folders:
        first, *others = modules(folder)
        text = f"{first}\n{'=' * len(first)}\n\n.. automodule:: {first}\n"
        for name in others:
            text += f"\n{name}\n{'-' * len(name)}\n\n.. automodule:: {name}\n"
        pages[f"{API}/{first}"] = text
    return pages


def contents() -> str:
    """The tables of contents that the first page ends with, in the site alone."""
    sections = {**PAGES, "Library": tuple(api_pages())}
    tree = "\n```{{toctree}}\n:hidden:\n:caption: {}\n:maxdepth: 1\n\n{}\n```\n"
    return "".join(tree.format(caption, "\n".join(pages)) for caption, pages in sections.items())


project = "cevnsi"
root_doc = "README"
listed = (f"{page}{end}" for pages in PAGES.values() for page in pages for end in (".md", ".ipynb"))
include_patterns = [f"{root_doc}.md", *listed, f"{API}/*.rst"]
extensions = ["myst_nb", "sphinx.ext.autodoc"]
nb_execution_mode = "off"  # a notebook shows what is kept in it, which a test holds to what it shows now
myst_heading_anchors = 6  # as a code host spells them
default_role = "literal"

autodoc_default_options = {"members": True, "member-order": "bysource"}
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
suppress_warnings = ["ref.python"]  # a class that an alias has to name by a string, where others have its name

html_theme = "furo"  # of the reader's own fonts
html_title = "cevnsi"
html_static_path = ["static"]
html_css_files = [("print.css", {"media": "print"})]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False

sys.path.insert(0, str(ROOT / "src"))


OTHER_ARRAY = re.compile(r"~numpy\.ndarray\[tuple\[~typing\.Any, \.\.\.\], ~numpy\.dtype\[(~?[\w.]+)\]\]")


@cache
def types_of_arrays() -> dict[str, str]:
    """Names of the types of arrays, by how annotations would spell them out, longest first."""
    from sphinx.util.typing import stringify_annotation

    from cevnsi import arrays

    found = {stringify_annotation(getattr(arrays, name), "smart"): name for name in ("FloatArray", "Real", "Number")}
    return dict(sorted(found.items(), key=lambda each: -len(each[0])))


def _write_api(app: "Sphinx") -> None:
    folder = ROOT / API
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, text in api_pages().items():
        (ROOT / f"{name}.rst").write_text(text, encoding="utf-8")


def _add_contents(app: "Sphinx", page: str, text: list[str]) -> None:
    if page == root_doc:
        text[0] += contents()


def _with_array_types(app: "Sphinx", *of: Any) -> tuple[str | None, ...]:
    *_, signature, returned = of
    for spelled, name in types_of_arrays().items():
        signature = signature and signature.replace(spelled, name)
        returned = returned and returned.replace(spelled, name)
    return tuple(text and OTHER_ARRAY.sub(r"NDArray[\1]", text) for text in (signature, returned))


def _open_with_readme(app: "Sphinx", error: Exception | None) -> None:
    if error is None:
        shutil.copy(Path(app.outdir) / f"{root_doc}.html", Path(app.outdir) / "index.html")


def setup(app: "Sphinx") -> None:
    """What Sphinx calls on its way."""
    app.connect("builder-inited", _write_api)
    app.connect("source-read", _add_contents)
    app.connect("autodoc-process-signature", _with_array_types)
    app.connect("build-finished", _open_with_readme)
