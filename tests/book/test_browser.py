"""The book in a real browser, from the disk, without a network.

Every page is opened once, at the width of a desk and of a telephone, in light and in dark; the
tests look at what was noted then.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE, DESK = (390, 844), (1280, 900)

READY = """
const done = arguments[arguments.length - 1];
const pictures = Promise.all([...document.images].map(
  (image) => { image.loading = "eager"; return image.decode().catch(() => null); }));
const formulas = window.MathJax && MathJax.startup ? MathJax.startup.promise : null;
Promise.all([pictures, formulas, document.fonts.ready]).then(() => done(true));
"""

NOTE = r"""
const visible = (element) => element.checkVisibility();
return {
  formulas: document.querySelectorAll(".math").length,
  typeset: document.querySelectorAll(".math > mjx-container, .math mjx-container").length,
  wrong: [...document.querySelectorAll("mjx-merror, [data-mjx-error]")].map((e) => e.outerHTML),
  raw: [...document.querySelectorAll(".bd-article .math")]
    .filter((e) => /\\[()[\]]/.test(
      [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join("")))
    .map((e) => e.textContent),
  pictures: document.images.length,
  broken: [...document.images].filter((i) => !(i.complete && i.naturalWidth > 0)).map((i) => i.src),
  main: document.querySelectorAll("main").length,
  title: document.title,
  hidden: [...document.querySelectorAll(".bd-article a[href], button")].filter(
    (e) => visible(e) && !e.textContent.trim() && !e.getAttribute("aria-label") && !e.title
      && !e.querySelector("img[alt]")).map((e) => e.outerHTML.slice(0, 150)),
};
"""

WIDTH = """
const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
const culprits = wide <= 0 ? [] : [...document.querySelectorAll("body *")].filter(
  (e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .slice(0, 5).map((e) => e.outerHTML.slice(0, 120));
return {wide, culprits};
"""

# Contrast (WCAG 2) of every visible piece of text with what is painted behind it.
CONTRAST = r"""
document.documentElement.dataset.theme = arguments[0];
document.documentElement.dataset.mode = arguments[0];
const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
const known = new Map();
const rgba = (text) => {
  if (!known.has(text)) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    known.set(text, [r, g, b, a / 255]);
  }
  return known.get(text);
};
const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] + below[i] * (1 - top[3]));
const light = (c) => {
  const [r, g, b] = c.map((v) => v / 255).map(
    (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) {
    const colour = rgba(getComputedStyle(e).backgroundColor);
    if (colour[3] > 0) layers.push(colour);
    if (colour[3] === 1) break;
  }
  let paint = [255, 255, 255];
  for (const layer of layers.reverse()) paint = over(layer, paint);
  return paint;
};
const poor = [];
let seen = 0;
const walker = document.createTreeWalker(
  document.querySelector(".bd-article") || document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim()) continue;
  if (element.closest("script, style, mjx-container, svg")) continue;
  if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
  const back = behind(element);
  const front = over(rgba(getComputedStyle(element).color), back);
  const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  seen += 1;
  if (ratio < 4.5) poor.push([ratio.toFixed(2), walker.currentNode.data.trim().slice(0, 40)]);
}
return {seen, poor: poor.slice(0, 5)};
"""


def resize(browser: Any, size: tuple[int, int]) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE},
    )


def requests(browser: Any) -> list[str]:
    """Return the addresses that were asked for since the last call."""
    found = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.append(message["params"]["request"]["url"])
    return found


def complaints(browser: Any) -> list[str]:
    """Return warnings and errors on the console since the last call."""
    log = browser.get_log("browser")
    return [entry["message"] for entry in log if entry["level"] in ("WARNING", "SEVERE")]


@pytest.fixture(scope="module")
def notes(browser: Any, html: Path, pages: list[Path]) -> dict[str, dict[str, Any]]:
    """What was seen on every page."""
    found = {}
    for page in pages:
        resize(browser, DESK)
        requests(browser)
        browser.get(page.as_uri())
        browser.execute_async_script(READY)
        note = browser.execute_script(NOTE)
        note["light"] = browser.execute_script(CONTRAST, "light")
        note["dark"] = browser.execute_script(CONTRAST, "dark")
        resize(browser, PHONE)
        note["phone"] = browser.execute_script(WIDTH)
        note["console"] = complaints(browser)
        note["requests"] = requests(browser)
        found[page.relative_to(html).as_posix()] = note
    return found


def collected(notes: dict[str, dict[str, Any]], what: str) -> dict[str, Any]:
    """Return the pages whose note of `what` is not empty."""
    return {page: note[what] for page, note in notes.items() if note[what]}


def test_every_page_opens(notes: dict[str, dict[str, Any]], pages: list[Path]) -> None:
    assert len(notes) == len(pages)
    assert all(note["title"] and note["main"] == 1 for note in notes.values())


def test_nothing_is_asked_of_a_network(notes: dict[str, dict[str, Any]]) -> None:
    assert any(note["requests"] for note in notes.values()), "requests were not noted at all"
    asked = {
        page: [url for url in note["requests"] if not url.startswith(("file:", "data:", "blob:"))]
        for page, note in notes.items()
    }
    assert not {page: urls for page, urls in asked.items() if urls}


def test_no_errors_on_the_console(notes: dict[str, dict[str, Any]]) -> None:
    assert not collected(notes, "console")


def test_every_formula_is_typeset(notes: dict[str, dict[str, Any]]) -> None:
    assert sum(note["formulas"] for note in notes.values()) > 100
    counts = {page: (note["formulas"], note["typeset"]) for page, note in notes.items()}
    assert not {page: count for page, count in counts.items() if count[0] != count[1]}
    assert not collected(notes, "wrong")
    assert not collected(notes, "raw")


def test_every_picture_is_shown(notes: dict[str, dict[str, Any]]) -> None:
    assert sum(note["pictures"] for note in notes.values()) > len(notes)
    assert not collected(notes, "broken")


def test_links_and_buttons_have_names(notes: dict[str, dict[str, Any]]) -> None:
    assert not collected(notes, "hidden")


def test_nothing_sticks_out_on_a_telephone(notes: dict[str, dict[str, Any]]) -> None:
    assert not {page: note["phone"] for page, note in notes.items() if note["phone"]["wide"] > 0}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(notes: dict[str, dict[str, Any]], theme: str) -> None:
    assert sum(note[theme]["seen"] for note in notes.values()) > 500
    assert not {page: note[theme]["poor"] for page, note in notes.items() if note[theme]["poor"]}


def test_the_theme_switch_works(browser: Any, html: Path) -> None:
    resize(browser, DESK)
    browser.get((html / "index.html").as_uri())
    seen = set()
    for _ in range(3):
        browser.execute_script("document.querySelector('.theme-switch-button').click()")
        colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        seen.add((browser.execute_script("return document.documentElement.dataset.theme"), colour))
    themes = {theme for theme, _ in seen}
    assert themes == {"light", "dark"}
    assert len({colour for _, colour in seen}) == 2


def test_the_keyboard_reaches_the_text(browser: Any, html: Path) -> None:
    """The first stop leads past the navigation; links show where the focus is."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    resize(browser, DESK)
    browser.get((html / "index.html").as_uri())
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    first = browser.switch_to.active_element
    assert "skip" in (first.get_attribute("textContent") or "").lower()
    stops = []
    for _ in range(40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        stops.append(browser.switch_to.active_element.get_attribute("class") or "")
    assert any("mlsci-badge" in stop for stop in stops)


def test_search_finds_without_a_network(browser: Any, html: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    resize(browser, DESK)
    complaints(browser)
    browser.get((html / "search.html").as_uri() + "?q=posterior")
    hits = WebDriverWait(browser, 20).until(
        lambda window: window.execute_script(
            "return [...document.querySelectorAll('#search-results li a')].map((a) => a.href)"
        )
    )
    assert any("deepuq" in hit for hit in hits)
    assert not complaints(browser)
