"""The site of `make docs`: every page and every module is in its contents, once."""

import re
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cevnsi.workflow.dependencies import PACKAGE
from project import ROOT

CONF = runpy.run_path(str(ROOT / "docs" / "conf.py"))


def pages() -> list[str]:
    """Documents that the site is made of beside the first, as paths without an end."""
    return [page for pages in CONF["PAGES"].values() for page in pages]


def files(page: str) -> list[Path]:
    """Files of a document that there are: Markdown, or a notebook."""
    return [path for end in (".md", ".ipynb") if (path := ROOT / f"{page}{end}").is_file()]


def test_every_page_is_in_the_contents_once() -> None:
    assert Counter(pages()).most_common(1)[0][1] == 1
    assert {page for page in pages() if page.startswith("docs/")} == {
        f"docs/{path.stem}" for end in ("md", "ipynb") for path in (ROOT / "docs").glob(f"*.{end}")
    }
    assert {"CONTRIBUTING", "CHANGELOG", "data/README"} <= {*pages()}
    assert [page for page in (CONF["root_doc"], *pages()) if not files(page)] == []
    listed = re.findall(r"^[\w./]+$", CONF["contents"](), re.MULTILINE)
    assert listed == [*pages(), *CONF["api_pages"]()]


def test_every_module_of_the_library_is_on_one_page() -> None:
    shown = Counter(re.findall(r"^\.\. automodule:: (\S+)$", "".join(CONF["api_pages"]().values()), re.MULTILINE))
    files = {path.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("*.py") if path.stem != "__main__"}
    parts = (path.with_suffix("").parts for path in files)
    assert shown == Counter(".".join(part for part in each if part != "__init__") for each in parts)
    first, second, *_ = CONF["api_pages"]()
    assert (first, second) == ("docs/api/cevnsi", "docs/api/cevnsi.physics")


@pytest.mark.parametrize("page", ["docs/results", "docs/speed"])
def test_a_page_that_is_left_out_is_seen(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fewer: dict[str, Any] = {caption: [p for p in pages if p != page] for caption, pages in CONF["PAGES"].items()}
    monkeypatch.setitem(CONF, "PAGES", fewer)
    with pytest.raises(AssertionError):
        test_every_page_is_in_the_contents_once()


def test_what_a_link_leads_to_is_a_page_of_the_site() -> None:
    """Links between pages that are no pages of the site would be downloads there."""
    known = {path for page in (CONF["root_doc"], *pages()) for path in files(page)}
    for path in known:
        targets = re.findall(r"\]\(([^):#]+\.(?:md|ipynb))[^)]*\)", path.read_text(encoding="utf-8"))
        assert {(path.parent / target).resolve() for target in targets} <= known
