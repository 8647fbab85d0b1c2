"""What must be true of the files of a built book, seen without a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

ADDRESS = re.compile(r"^(https?:)?//", re.IGNORECASE)


@pytest.fixture(scope="module")
def soups(pages: list[Path]) -> dict[Path, BeautifulSoup]:
    return {page: BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser") for page in pages}


def test_no_dead_link_or_anchor(soups: dict[Path, BeautifulSoup], html: Path) -> None:
    anchors = {
        page: {tag["id"] for tag in soup.find_all(id=True)}
        | {tag["name"] for tag in soup.find_all("a", attrs={"name": True})}
        for page, soup in soups.items()
    }
    dead = []
    for page, soup in soups.items():
        for tag in soup.find_all("a", href=True):
            address = urlsplit(tag["href"])
            if address.scheme or address.netloc:
                continue
            target = (page.parent / unquote(address.path)).resolve() if address.path else page
            fragment = unquote(address.fragment)
            if not target.is_file():
                dead.append(f"{page.relative_to(html)}: {tag['href']}")
            elif (
                fragment and target.suffix == ".html" and fragment not in anchors.get(target, set())
            ):
                dead.append(f"{page.relative_to(html)}: {tag['href']} (no such anchor)")
    assert not dead


def test_nothing_is_loaded_from_elsewhere(soups: dict[Path, BeautifulSoup]) -> None:
    elsewhere = [
        str(tag)[:120]
        for soup in soups.values()
        for tag in soup.find_all(["script", "img", "link", "iframe", "source", "video", "audio"])
        for name in ("src", "href", "srcset")
        if ADDRESS.match(tag.get(name, ""))
    ]
    assert not elsewhere


def test_what_pages_load_is_there(soups: dict[Path, BeautifulSoup]) -> None:
    for page, soup in soups.items():
        for tag in soup.find_all(["script", "img", "link"]):
            where = tag.get("src") or (tag.get("href") if tag.name == "link" else None)
            if where and where != "#" and not where.startswith("data:"):
                assert (page.parent / unquote(urlsplit(where).path)).is_file(), (page, where)


def test_style_sheets_read_nothing_from_elsewhere(html: Path) -> None:
    for sheet in html.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"url\(\s*['\"]?(https?:)?//", text), sheet
        assert not re.search(r"@import\s+(url\(\s*)?['\"]?(https?:)?//", text), sheet


def test_every_picture_is_described(soups: dict[Path, BeautifulSoup]) -> None:
    for page, soup in soups.items():
        for image in soup.select(".bd-article img"):
            alt = image.get("alt", "")
            assert len(alt) > 10, (page, image)
            assert not re.search(r"[0-9a-f]{16}|\.(png|svg)$|/", alt), (page, image)
        assert all(image.has_attr("alt") for image in soup.find_all("img")), page


def test_notebook_pages_offer_their_files(soups: dict[Path, BeautifulSoup], html: Path) -> None:
    notebooks = sorted((html / "notebooks").glob("*.html"))
    assert len(notebooks) >= 1
    for page in notebooks:
        links = [tag["href"] for tag in soups[page].find_all("a", href=True)]
        for ending in ("ipynb", "py"):
            assert f"../downloads/{page.stem}.{ending}" in links
            assert (html / "downloads" / f"{page.stem}.{ending}").stat().st_size > 0
        content = json.loads((html / "downloads" / f"{page.stem}.ipynb").read_text("utf-8"))
        assert content["metadata"]["mlsci"]["notebook"] == page.stem
        assert soups[page].select_one(".btn-launch-here-button")


def test_every_figure_leads_to_its_notebook_and_seal(
    soups: dict[Path, BeautifulSoup], html: Path
) -> None:
    shown = 0
    for page in (html / "notebooks").glob("*.html"):
        for figure in soups[page].select("figure"):
            origin = figure.find_next("p", class_="mlsci-origin")
            assert origin is not None
            links = [tag["href"] for tag in origin.find_all("a")]
            assert f"../downloads/{page.stem}.ipynb" in links
            assert f"../seals.html#seal-{page.stem}" in links
            shown += 1
    cards = soups[html / "gallery.html"].select(".mlsci-figure-card")
    assert len(cards) == shown
    for card in cards:
        links = [tag["href"] for tag in card.find_all("a")]
        assert any("#fig-" in link for link in links)
        assert any("seals.html#seal-" in link for link in links)


def test_every_claim_is_on_the_claims_page(soups: dict[Path, BeautifulSoup], html: Path) -> None:
    text = soups[html / "claims.html"].get_text()
    for path in (html / "seals").glob("*.json"):
        name = json.loads(path.read_text("utf-8"))["notebook"]
        assert (html / "notebooks" / f"{name}.html").is_file()
    rows = soups[html / "claims.html"].select("table.mlsci-claims tbody tr")
    keys = [row.select_one(".mlsci-key").get_text() for row in rows]
    assert keys
    assert len(keys) == len(set(keys))
    assert all(row.find("a", href=re.compile(r"seals\.html#seal-")) for row in rows)
    assert "reached" in text or "missed" in text
    table = soups[html / "claims.html"].select_one("table.mlsci-claims")
    assert not table.select("blockquote, ul, ol")


def test_every_page_says_its_profile(soups: dict[Path, BeautifulSoup]) -> None:
    badges = {soup.select_one(".mlsci-badge").get_text(strip=True) for soup in soups.values()}
    assert len(badges) == 1
    assert badges <= {"smokeprofile", "fullprofile"}


def test_nothing_is_left_unwritten(soups: dict[Path, BeautifulSoup]) -> None:
    for page, soup in soups.items():
        text = soup.select_one(".bd-article").get_text() if soup.select_one(".bd-article") else ""
        assert not re.search(r"\b(TODO|FIXME|XXX|lorem ipsum)\b", text, re.IGNORECASE), page
        assert "�" not in text, page


def test_no_markup_is_shown_as_text(soups: dict[Path, BeautifulSoup]) -> None:
    """A directive or role that was not understood ends up on the page, without a warning."""
    markup = re.compile(
        r"\{[a-z][a-z:-]+\}`|`{3}\{|:{3}\{|\{list-table\}|^\([\w-]+\)=", re.MULTILINE
    )
    for page, soup in soups.items():
        article = soup.select_one(".bd-article")
        if article is not None:
            for code in article.select(
                "div.cell_input, div.highlight-python, div.highlight-default"
            ):
                code.extract()
            found = markup.search(article.get_text())
            assert found is None, (page, found)
